<?php
/**
 * The plugin, with WordPress and WooCommerce stood in for by as little as it asks of them.
 *
 * Reads a scenario as JSON from its input, prints what came of it as JSON: the requests that were
 * sent, the notices, what was written on the order, what cURL was told.
 */

define( 'ABSPATH', __DIR__ );
define( 'ACCORD_URL', 'https://api.example/' );
define( 'ACCORD_STORE', 'uk store' );
define( 'ACCORD_CHECKOUT_SECRET', 'the secret' );

$scenario = json_decode( stream_get_contents( STDIN ), true );
$told     = array(
	'requests' => array(),
	'notices'  => array(),
	'errors'   => array(),
	'hooks'    => array(),
	'meta'     => array(),
	'saved'    => 0,
);

final class WP_Error {
	public function add( $code, $message ) {
		$GLOBALS['told']['errors'][] = array( $code, $message );
	}
}

final class WC_Product {
	private $fields;
	public function __construct( $fields ) {
		$this->fields = $fields;
	}
	public function get_sku() {
		return $this->fields['sku'];
	}
	public function get_name() {
		return $this->fields['name'] ?? $this->fields['sku'];
	}
	public function backorders_allowed() {
		return $this->fields['backorders'] ?? false;
	}
}

final class Session {
	private $kept = array();
	public function get( $key ) {
		return $this->kept[ $key ] ?? null;
	}
	public function set( $key, $value ) {
		$this->kept[ $key ] = $value;
	}
}

final class Cart {
	private $lines;
	public function __construct( $lines ) {
		$this->lines = $lines;
	}
	public function is_empty() {
		return ! $this->lines;
	}
	public function get_cart() {
		return array_map(
			function ( $line ) {
				return array(
					'data'     => new WC_Product( $line ),
					'quantity' => $line['quantity'],
				);
			},
			$this->lines
		);
	}
}

final class Order {
	public function get_meta( $key ) {
		return $GLOBALS['told']['meta'][ $key ] ?? '';
	}
	public function update_meta_data( $key, $value ) {
		$GLOBALS['told']['meta'][ $key ] = $value;
	}
	public function delete_meta_data( $key ) {
		unset( $GLOBALS['told']['meta'][ $key ] );
	}
	public function save() {
		++$GLOBALS['told']['saved'];
	}
}

final class Shop {
	public $cart;
	public $session;
}

$shop          = new Shop();
$shop->session = new Session();
$checkout      = false;

function WC() {
	return $GLOBALS['shop'];
}
function is_checkout() {
	return $GLOBALS['checkout'];
}
function add_action( $hook ) {
	$GLOBALS['told']['hooks'][] = $hook;
}
function wc_has_notice( $text ) {
	return in_array( $text, $GLOBALS['told']['notices'], true );
}
function wc_add_notice( $text ) {
	$GLOBALS['told']['notices'][] = $text;
}
function wp_strip_all_tags( $text ) {
	return strip_tags( $text );
}
function __( $text ) {
	return $text;
}
function wp_unslash( $text ) {
	return stripslashes( $text );
}
function wp_json_encode( $data ) {
	return json_encode( $data );
}
function is_wp_error( $found ) {
	return $found instanceof WP_Error;
}
function wp_remote_post( $url, $args ) {
	$GLOBALS['told']['requests'][] = array( 'url' => $url ) + $args;
	$answer = array_shift( $GLOBALS['scenario']['answers'] );
	return null === $answer ? new WP_Error() : $answer;
}
function wp_remote_retrieve_response_code( $response ) {
	return $response['status'];
}
function wp_remote_retrieve_body( $response ) {
	return is_string( $response['body'] ) ? $response['body'] : json_encode( $response['body'] );
}

require dirname( __DIR__, 2 ) . '/docs/checkout/accord-availability.php';

foreach ( $scenario['steps'] as $step ) {
	$checkout   = $step['checkout'] ?? $checkout;
	$shop->cart = isset( $step['cart'] ) ? new Cart( $step['cart'] ) : $shop->cart;
	switch ( $step['do'] ) {
		case 'check':
			Accord_Availability::check_cart();
			break;
		case 'check blocks':
			Accord_Availability::check_store_api_cart( new WP_Error(), $shop->cart );
			break;
		case 'order':
			Accord_Availability::mark_and_save_order( new Order() );
			break;
		case 'emptied':
			Accord_Availability::forget();
			break;
	}
}
echo json_encode( $told );

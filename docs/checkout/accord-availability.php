<?php
/**
 * Plugin Name: Accord availability
 * Description: Asks Accord, before the money is taken, whether everything in the basket is still there, and has it kept.
 * Version: 1.0.0
 * Requires PHP: 7.4
 * License: Apache-2.0
 *
 * A must-use plugin: copy this one file into wp-content/mu-plugins, and write into wp-config.php:
 *
 *     define( 'ACCORD_URL', 'https://…' );             // where Accord's API answers
 *     define( 'ACCORD_STORE', 'uk' );                  // the store's name in accord.toml
 *     define( 'ACCORD_CHECKOUT_SECRET', '…' );         // one of the secret's checkout_secrets
 *
 * It never keeps a shopper from buying because it was not answered: it waits 0.3 seconds, and sells
 * on unless it was told that something is out.
 */

defined( 'ABSPATH' ) || exit;

final class Accord_Availability {

	const TIMEOUT  = 0.3;  // seconds, for the whole question
	const FRESH    = 60;   // seconds that an answer without a hold is believed
	const QUIET    = 30;   // seconds without asking after there was no answer
	const MARGIN   = 60;   // seconds before a hold ends from which it is asked for anew
	const MOST     = 100;  // lines of one question
	const SESSION  = 'accord_availability';
	const META     = '_accord_hold';

	public static function start() {
		if ( ! defined( 'ACCORD_URL' ) || ! defined( 'ACCORD_STORE' ) || ! defined( 'ACCORD_CHECKOUT_SECRET' ) ) {
			return;
		}
		// The classic cart and checkout; the block checkout, which throws what it is given here.
		add_action( 'woocommerce_check_cart_items', array( __CLASS__, 'check_cart' ) );
		add_action( 'woocommerce_store_api_cart_errors', array( __CLASS__, 'check_store_api_cart' ), 10, 2 );
		add_action( 'woocommerce_checkout_create_order', array( __CLASS__, 'mark_order' ) );
		add_action( 'woocommerce_store_api_checkout_update_order_meta', array( __CLASS__, 'mark_and_save_order' ) );
		add_action( 'woocommerce_cart_emptied', array( __CLASS__, 'forget' ) );
		add_action( 'http_api_curl', array( __CLASS__, 'hurry' ), 10, 3 );
	}

	public static function check_cart() {
		$cart = function_exists( 'WC' ) ? WC()->cart : null;
		foreach ( self::problems( $cart ) as $problem ) {
			if ( ! wc_has_notice( $problem, 'error' ) ) {
				wc_add_notice( $problem, 'error' );
			}
		}
	}

	/**
	 * @param WP_Error $errors What keeps the cart from being ordered.
	 * @param WC_Cart  $cart   The cart.
	 */
	public static function check_store_api_cart( $errors, $cart ) {
		foreach ( self::problems( $cart ) as $number => $problem ) {
			$errors->add( 'accord_not_enough_' . $number, $problem );
		}
	}

	/** @param WC_Order $order About to be saved by whoever calls this. */
	public static function mark_order( $order ) {
		$known = self::known();
		$hold  = $known && $known['hold_until'] > time() ? $known['id'] : '';
		if ( (string) $order->get_meta( self::META ) === $hold ) {
			return false;
		}
		if ( '' === $hold ) {
			$order->delete_meta_data( self::META );
		} else {
			$order->update_meta_data( self::META, $hold );
		}
		return true;
	}

	/** @param WC_Order $order The block checkout's draft, which nobody saves after this. */
	public static function mark_and_save_order( $order ) {
		if ( self::mark_order( $order ) ) {
			$order->save();
		}
	}

	/** The order has the hold from now on: the next basket must not give it up. */
	public static function forget() {
		if ( function_exists( 'WC' ) && WC()->session ) {
			WC()->session->set( self::SESSION, null );
		}
	}

	/**
	 * WordPress rounds a time-out below one second up to one; cURL itself need not.
	 *
	 * @param resource|CurlHandle $handle The request's.
	 * @param array               $args   What it was made with.
	 * @param string              $url    Where it goes.
	 */
	public static function hurry( $handle, $args, $url ) {
		if ( self::url() !== $url ) {
			return;
		}
		$limit = (int) round( self::TIMEOUT * 1000 );
		curl_setopt( $handle, CURLOPT_NOSIGNAL, true ); // else it would count in whole seconds
		curl_setopt( $handle, CURLOPT_CONNECTTIMEOUT_MS, $limit );
		curl_setopt( $handle, CURLOPT_TIMEOUT_MS, $limit );
	}

	/** What the shopper must be told, one text for each product of which there is not enough. */
	private static function problems( $cart ) {
		if ( ! function_exists( 'WC' ) || ! WC()->session || ! $cart || $cart->is_empty() ) {
			return array();
		}
		list( $lines, $products ) = self::lines( $cart );
		if ( ! $lines || count( $lines ) > self::MOST ) {
			return array();
		}
		$problems = array();
		foreach ( self::short( $lines ) as $sku => $left ) {
			if ( ! isset( $products[ $sku ] ) || $products[ $sku ]->backorders_allowed() ) {
				continue; // the shop sells it on when there is none
			}
			$name = wp_strip_all_tags( $products[ $sku ]->get_name() );
			/* translators: 1: product, 2: number of pieces */
			$few        = __( 'Sorry, only %2$d of "%1$s" can be ordered at the moment. Please change the quantity in your cart.', 'accord' );
			/* translators: 1: product */
			$none       = __( 'Sorry, "%1$s" has just been sold out. Please remove it from your cart.', 'accord' );
			$problems[] = sprintf( $left > 0 ? $few : $none, $name, $left );
		}
		return $problems;
	}

	/** SKU => pieces, and SKU => product. What has no SKU is not asked about. */
	private static function lines( $cart ) {
		$lines    = array();
		$products = array();
		foreach ( $cart->get_cart() as $item ) {
			$product = isset( $item['data'] ) ? $item['data'] : null;
			$sku     = $product instanceof WC_Product ? (string) $product->get_sku() : '';
			$pieces  = isset( $item['quantity'] ) ? (int) ceil( (float) $item['quantity'] ) : 0;
			if ( '' === $sku || $pieces < 1 ) {
				continue;
			}
			$lines[ $sku ]    = ( isset( $lines[ $sku ] ) ? $lines[ $sku ] : 0 ) + $pieces;
			$products[ $sku ] = $product;
		}
		ksort( $lines, SORT_STRING );
		return array( $lines, $products );
	}

	/** SKU => pieces left, of what there is not enough; asked once for each content of the cart. */
	private static function short( array $lines ) {
		$known = self::known();
		$hash  = hash( 'sha256', (string) wp_json_encode( $lines ) );
		$wants = self::is_checkout();
		$same  = $known && $known['hash'] === $hash;
		if ( $same && time() < $known['until'] && ( $known['asked_hold'] || ! $wants ) ) {
			return $known['short'];
		}
		// An unanswered question is repeated under its id: it may have kept the goods all the same.
		$again = $same && ! $known['answered'] && $known['asked_hold'] === $wants;
		$asked = array(
			'hash'       => $hash,
			'id'         => $again ? $known['id'] : bin2hex( random_bytes( 16 ) ),
			'asked_hold' => $wants,
			'answered'   => false,
			'short'      => array(),
			'until'      => time() + self::QUIET,
			'hold_until' => 0,
			'replaces'   => $known && $known['asked_hold'] ? $known['id'] : ( $known ? $known['replaces'] : '' ),
		);
		$answer = self::ask( $asked, $lines );
		if ( $answer ) {
			$asked['answered'] = true;
			$asked['until']    = time() + self::FRESH;
			foreach ( $answer['items'] as $line ) {
				if ( isset( $line['sku'], $line['enough'] ) && false === $line['enough'] ) {
					$asked['short'][ (string) $line['sku'] ] = isset( $line['available'] ) ? (int) $line['available'] : 0;
				}
			}
			if ( isset( $answer['hold']['expires_at'] ) ) {
				$asked['hold_until'] = (int) strtotime( $answer['hold']['expires_at'] );
				$asked['until']      = max( $asked['until'], $asked['hold_until'] - self::MARGIN );
			}
		}
		WC()->session->set( self::SESSION, $asked );
		return $asked['short'];
	}

	/** The answer, or null where there is none that can be used. */
	private static function ask( array $asked, array $lines ) {
		$items = array();
		foreach ( $lines as $sku => $pieces ) {
			$items[] = array(
				'sku'      => (string) $sku, // PHP makes a number of a key like "123"
				'quantity' => $pieces,
			);
		}
		$question = array(
			'id'    => $asked['id'],
			'items' => $items,
			'hold'  => $asked['asked_hold'],
		);
		if ( '' !== $asked['replaces'] && $asked['replaces'] !== $asked['id'] ) {
			$question['replaces'] = $asked['replaces'];
		}
		$body = wp_json_encode( $question );
		if ( ! is_string( $body ) ) {
			return null;
		}
		$time     = (string) time();
		$nonce    = bin2hex( random_bytes( 16 ) );
		$mac      = hash_hmac( 'sha256', $time . '.' . $nonce . '.' . $body, ACCORD_CHECKOUT_SECRET, true );
		$response = wp_remote_post(
			self::url(),
			array(
				'timeout'             => self::TIMEOUT,
				'redirection'         => 0,
				'limit_response_size' => 131072,
				'headers'             => array(
					'content-type'       => 'application/json',
					'x-accord-time'      => $time,
					'x-accord-nonce'     => $nonce,
					'x-accord-signature' => base64_encode( $mac ),
				),
				'body'                => $body,
			)
		);
		if ( is_wp_error( $response ) || 200 !== (int) wp_remote_retrieve_response_code( $response ) ) {
			return null;
		}
		$answer = json_decode( wp_remote_retrieve_body( $response ), true );
		return is_array( $answer ) && isset( $answer['items'] ) && is_array( $answer['items'] ) ? $answer : null;
	}

	/** What was asked last for this session, or null. */
	private static function known() {
		if ( ! function_exists( 'WC' ) || ! WC()->session ) {
			return null;
		}
		$known = WC()->session->get( self::SESSION );
		return is_array( $known ) && isset( $known['hash'], $known['id'], $known['hold_until'] ) ? $known : null;
	}

	/** Whether the shopper is about to pay: goods are kept from then on, not for every cart. */
	private static function is_checkout() {
		if ( function_exists( 'is_checkout' ) && is_checkout() ) {
			return true;
		}
		$path = isset( $_SERVER['REQUEST_URI'] ) ? rawurldecode( (string) wp_unslash( $_SERVER['REQUEST_URI'] ) ) : '';
		return 1 === preg_match( '#/wc/store(/v\d+)?/checkout#', $path );
	}

	private static function url() {
		return rtrim( ACCORD_URL, '/' ) . '/stores/' . rawurlencode( ACCORD_STORE ) . '/availability';
	}
}

Accord_Availability::start();

"""What to do about each reason code, in the words of whoever has to do it.

The item's own message names the record and the figures; this says what the reason means in general
and what mends it. Every code that the code can raise has an entry here; a test walks them.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """``means`` in one sentence, and what to ``do``."""

    means: str
    do: str


_AGAIN = "`accord attention replay` sends it through again."
_BY_ITSELF = "It goes on by itself; if it stays for hours, look at the other side."

REMEDIES: Mapping[str, Remedy] = {
    # --- an order and its document ---------------------------------------------
    "no_sku": Remedy(
        "A line of the order has no SKU, so nobody knows which item was sold.",
        "Give the product a SKU in the store, or say which item it is for this order: `accord "
        "attention mend ID --set lines.LINE.sku=CODE`. For all such lines: set no_sku in "
        "[stores.STORE.mappings] and `accord config push`.",
    ),
    "unmapped": Remedy(
        "No rule says what a code of the store is in the back office, and orders wait for it.",
        "Add what the message names to the store's mappings and run `accord config push`; what "
        "waits goes on within a minute or two.",
    ),
    "total_differs": Remedy(
        "The document would come to another total than the store charged.",
        "Look for a gift card, a discount that is no line, or a tax code with another rate. Mend "
        f"the tax code of the line, push a mapping, or correct the document. {_AGAIN}",
    ),
    "incomplete": Remedy(
        "Something of the order is missing in the document that was to be written.",
        "Nothing was written. This is a fault of the service: send support the item as JSON.",
    ),
    "changed_after_posting": Remedy(
        "The order was edited in the store after its document could no longer follow.",
        "Change the document in the back office until both totals agree, or take the edit back in "
        f"the store. {_AGAIN}",
    ),
    "deleted_after_posting": Remedy(
        "The order was deleted in the store, and its document stands.",
        "Cancel the document in the back office, and this closes by itself where its changes are "
        f"carried; or credit it there, and dismiss this. {_AGAIN}",
    ),
    "paid_and_cancelled": Remedy(
        "Money was received for an order that is cancelled, and was not paid back.",
        "Refund it in the store, or pay it back and book that; then dismiss this.",
    ),
    "paid_back_too_much": Remedy(
        "More was paid back than was received.",
        "Book the difference in the back office, or delete the refund that is too much; then "
        "dismiss this.",
    ),
    "paid_by_hand": Remedy(
        "What somebody booked by hand leaves no room for a payment.",
        "Take it off in the back office; or complete it there by hand, and this money stays yours. "
        f"{_AGAIN}",
    ),
    "paid_differs": Remedy(
        "The order comes to another total since it was paid.",
        "Collect or pay back the difference, book it in the back office, then dismiss this.",
    ),
    "closed_period": Remedy(
        "The day belongs to a period that is closed in the books.",
        f'Open the period, or push closed_period = "next_open" in [stores.STORE.orders]. {_AGAIN}',
    ),
    "credit_hold": Remedy(
        "The back office does not confirm sales of this customer: a credit limit or a hold.",
        f"Raise the limit or lift the hold there. {_AGAIN}",
    ),
    "restless": Remedy(
        "The order's document does not come to rest.",
        f"{_AGAIN} If it comes back, send support the item as JSON.",
    ),
    "double_document": Remedy(
        "The back office holds more than one document under the order's reference.",
        f"Keep the right one and cancel the others there. {_AGAIN}",
    ),
    "voided": Remedy(
        "The document under the order's reference is cancelled there.",
        "Cancel the order in the store and refund what was paid; or make the document active "
        f"again, or give it another reference. {_AGAIN}",
    ),
    "disagreement": Remedy(
        "Both sides hold it, and they differ.",
        f"Compare both and correct one of them. {_AGAIN}",
    ),
    "duplicate": Remedy(
        "The back office says that it holds one with this reference already.",
        f"Look for it there, also among what is archived or in another company. {_AGAIN}",
    ),
    "not_voided": Remedy(
        "The document could not be cancelled, and the back office does not say why.",
        f"Cancel it there by hand. {_AGAIN}",
    ),
    "goods_left": Remedy(
        "The document cannot be cancelled: goods have left.",
        "Credit it, or refund the order in the store; then replay or dismiss this.",
    ),
    "invoiced": Remedy(
        "The document cannot be cancelled: it is invoiced.",
        "Credit the invoice, or refund the order in the store; then replay or dismiss this.",
    ),
    "credited": Remedy(
        "The document cannot be cancelled: a part of it was credited.",
        "Credit the rest, or refund the rest in the store; then replay or dismiss this.",
    ),
    "shared_document": Remedy(
        "The shipment or invoice also holds other orders, so it was left alone.",
        "Take the order's lines out of it there, or cancel by hand; then replay.",
    ),
    # --- who bought -------------------------------------------------------------
    "nobody": Remedy(
        "Nothing tells who bought: no e-mail address, no account.",
        "Name an account for such orders in [stores.STORE.customers] and push it, or mend this "
        f"one: `accord attention mend ID --set party=ACCOUNT`. {_AGAIN}",
    ),
    "no_such_party": Remedy(
        "The back office has no customer with that account code.",
        f"Make it there, or correct the code and push or mend it. {_AGAIN}",
    ),
    "double_party": Remedy(
        "Two customers of the back office answer to one e-mail address or VAT number.",
        f"Merge the two there, or correct one; or mend the order's party. {_AGAIN}",
    ),
    "party_gone": Remedy(
        "The customer is not in the back office any more.",
        f"Make them anew under the same number, or dismiss this. {_AGAIN}",
    ),
    "no_account_code": Remedy(
        "No free account code was found for a new customer.",
        f"Push another pattern as code in [stores.STORE.customers]. {_AGAIN}",
    ),
    "no_email": Remedy(
        "The store makes no account without an e-mail address, or it has one with it already.",
        f"Complete the customer in the back office. {_AGAIN}",
    ),
    "conflict": Remedy(
        "Both sides changed the same field of a customer.",
        "See both with `accord attention show ID --full`, then `accord attention resolve ID --take "
        "store`, `--take erp`, or `--take` and the right value.",
    ),
    "ping_pong": Remedy(
        "A customer goes to and fro between both sides: another program writes it too.",
        "Stop that program, then `accord attention resolve ID --take store` or `--take erp`.",
    ),
    "forgotten": Remedy(
        "A customer who was forgotten on request was changed or made anew.",
        f"Leave it and dismiss this, or follow the customer again. {_AGAIN}",
    ),
    "archived_party": Remedy(
        "A customer is back whose record in the back office was archived.",
        f"Make the record active again there. {_AGAIN}",
    ),
    # --- refunds ----------------------------------------------------------------
    "refund_exceeds": Remedy(
        "More is refunded than the order came to.",
        f"Delete the refund that is too much in the store, or credit it by hand. {_AGAIN}",
    ),
    "receipt_taken_off": Remedy(
        "Money goes back of an invoice that was voided by hand, its receipt taken off before that.",
        "Book in the back office what came and what went back, as far as it went over an account "
        "there; then dismiss this.",
    ),
    "sale_deleted": Remedy(
        "Money goes back of a sale that was cancelled, and that somebody deleted since.",
        "Book in the back office what went back, then dismiss this.",
    ),
    "refund_deleted": Remedy(
        "A refund was deleted in the store after it was booked.",
        "Take its credit note and payment back in the back office, then dismiss this.",
    ),
    "refunded_unshipped": Remedy(
        "The order is refunded, and parcels of it have not left yet.",
        "Stop those parcels, then dismiss this.",
    ),
    "refunded_in_part": Remedy(
        "The order is called refunded, and its refunds come to less than its total.",
        "Refund the rest in the store, or set the order's status back; or dismiss this.",
    ),
    "refunded_before_start": Remedy(
        "A refund of an order from before the start, which was never posted.",
        "Credit it by hand in the back office, then dismiss this.",
    ),
    "credited_by_hand": Remedy(
        "A credit note of the same amount was booked by hand: it may be the same refund.",
        "If it is, tie the two: `accord attention mend ID --set 'reason=MARK'`, with the mark that "
        "the message gives, in its brackets. If they are two, change the amount of one; then "
        "replay.",
    ),
    "not_that_credit": Remedy(
        "A refund's reason names a credit note that it cannot stand for.",
        "Correct the mark: `accord attention mend ID --set 'reason=MARK'`, or `'reason='` for a "
        f"refund of its own. {_AGAIN}",
    ),
    "not_its_refund": Remedy(
        "The refund belongs to another order than the store said.",
        f"Look at both orders in the store. {_AGAIN}",
    ),
    "credit_exceeds": Remedy(
        "The back office credited more than is left of the store's order.",
        "Correct the credit note, or enter the refund by hand; then dismiss this.",
    ),
    # --- what was changed in the back office ------------------------------------
    "cancelled_in_erp": Remedy(
        "The document was cancelled by hand in the back office.",
        "Cancel the order in the store too, and refund what was paid; or make the document valid "
        f"again there. Either goes on by itself. {_AGAIN}",
    ),
    "credited_in_erp": Remedy(
        "The document was credited by hand in the back office.",
        "Refund the order in the store and tie the two, or dismiss this.",
    ),
    "reopened_in_erp": Remedy(
        "A cancelled document was made active again in the back office.",
        "Cancel it there again, or set the order in the store back; then dismiss this.",
    ),
    "shortened_in_erp": Remedy(
        "The document was changed in the back office and comes to another total.",
        "Change the order in the store alike, or take it back there; then dismiss this.",
    ),
    "deleted_in_erp": Remedy(
        "The document is not in the back office any more.",
        f"Restore it there, or have it made anew. {_AGAIN}",
    ),
    "shipment_withdrawn": Remedy(
        "A shipment that the store was told of was taken back.",
        "Tell the shopper if need be and correct the order in the store; then dismiss this.",
    ),
    "no_such_status": Remedy(
        "The store has no such order status.",
        f"Push another status in [stores.STORE.fulfilment], or add it to the store. {_AGAIN}",
    ),
    "document_too_large": Remedy(
        "A printed document is too large to be offered by a link.",
        "Print it with smaller images, or push link = false; then replay.",
    ),
    # --- what is sold -------------------------------------------------------------
    "unknown_to_erp": Remedy(
        "The back office names an item, a location or a list that no rule knows.",
        "Add it to the store's [stock] or [prices] rules and run `accord config push`.",
    ),
    "invalid_value": Remedy(
        "A value of the item is one that the store cannot hold.",
        "Correct it in the back office; the next change of it is sent.",
    ),
    "not_kept": Remedy(
        "The store accepted a value and shows another.",
        f"Look for a plugin or a setting that overrules it. {_AGAIN}",
    ),
    "no_parent": Remedy(
        "The family of a variation has no product in the store.",
        f"Give the family a code, or make its product in the store. {_AGAIN}",
    ),
    "sku_in_trash": Remedy(
        "The SKU belongs to a product in the store's trash.",
        f"Restore the product, or delete it for good. {_AGAIN}",
    ),
    "store_fails": Remedy(
        "The store fails whenever it is given this product.",
        f"See the store's error log for that product. {_AGAIN}",
    ),
    "store_refused": Remedy(
        "The store refuses what it was given of a product.",
        f"Mend the product in the store or the item in the back office. {_AGAIN}",
    ),
    "product_deleted": Remedy(
        "A product that is sold was put into the trash in the store.",
        "Restore it, or take the item off sale in the back office; then dismiss this.",
    ),
    "stock_corrected": Remedy(
        "Somebody corrected a stock in the store, which the back office owns.",
        "If the store is right, book it in the back office and dismiss this; else replay.",
    ),
    "price_corrected": Remedy(
        "Somebody corrected a price in the store, which the back office owns.",
        "If the store is right, change it in the back office and dismiss this; else replay.",
    ),
    "hold_too_large": Remedy(
        "A basket has more products than can be held at once.",
        "Sell it in two orders, or push hold_minutes = 0.",
    ),
    "cursor_ahead": Remedy(
        "The clock of the other side is ahead of ours. What changes there is still carried, a "
        "little late; nothing is missed.",
        "Set its clock right (of a store: its server's, or the record's own date). It closes by "
        "itself with the next look that meets nothing of the future.",
    ),
    "page_not_answered": Remedy(
        "The store answers, but not for one of its orders, so nothing behind it is polled.",
        "Look at WooCommerce, Status, Logs, and save the order or raise the store's limits. Until "
        "then orders come by their webhooks alone.",
    ),
    "webhooks_not_mended": Remedy(
        "The store does not tell of all its orders, though its webhooks were made anew.",
        "Look whether the shop's cron runs and its host may reach us. Until then the store is read "
        "every few minutes: orders come late, and none is lost.",
    ),
    # --- connections ----------------------------------------------------------------
    "unauthorized": Remedy(
        "The other side does not accept our credentials.",
        "Run `accord connect NAME`, or put valid ones into the secret in Secrets Manager; what "
        "waits goes on within minutes.",
    ),
    "forbidden": Remedy(
        "The other side takes our login, and does not let it do what the message names.",
        "Give the login's user that right there; of a store, its key both read and write. What "
        "waits goes on within minutes.",
    ),
    "no_consent": Remedy(
        "Nobody has allowed us into the back office, or what was allowed is no longer accepted.",
        "Run `accord connect ERP` and allow it in the browser, for the same organisation as "
        "before; what waits goes on within minutes.",
    ),
    "key_ends": Remedy(
        "The key by which we are let into the back office ends soon, and by itself.",
        "Make another one as the message says and give it with `accord connect ERP`; then delete "
        "the old one there. It closes by itself in the night after.",
    ),
    "outage": Remedy("The other side has not answered for several tries.", _BY_ITSELF),
    "unavailable": Remedy("The other side did not answer usably.", _BY_ITSELF),
    "rate_limited": Remedy("The other side asks us to come back later.", _BY_ITSELF),
    "transient": Remedy("It failed for the moment.", _BY_ITSELF),
    "settling": Remedy("An unanswered write may still take effect.", _BY_ITSELF),
    "stale_version": Remedy("Somebody wrote at the same time.", _BY_ITSELF),
    "busy": Remedy("Another worker has it in hand.", _BY_ITSELF),
    "rules": Remedy(
        "The rules that were pushed last do not fit what is deployed now.",
        "Push the whole accord.toml, or `accord config revert`; what waits goes on by itself.",
    ),
    "aws_refused": Remedy(
        "AWS refused a call of ours: a permission or a table is missing.",
        "Deploy the stage again; the function's log says which call it was.",
    ),
    "waiting": Remedy("It waits for something else to happen first.", _BY_ITSELF),
    "not_now": Remedy("It cannot go on at the moment.", _BY_ITSELF),
    "asks": Remedy(
        "The back office opened a window with a question instead of doing what it was asked to.",
        f"Nothing was done. Do it there by hand and answer its question. {_AGAIN}",
    ),
    "renumbered": Remedy(
        "An item that was made for this code bears another one in the back office by now.",
        f"Give it the code back, or make the item there by hand. {_AGAIN}",
    ),
    "contention": Remedy(
        "The back office was writing to the same record at that moment.",
        _BY_ITSELF,
    ),
    "rejected": Remedy(
        "The other system refused the document; its words are in the message.",
        f"Correct what it names, in the store, in the back office or by a mend. {_AGAIN}",
    ),
    "unsupported": Remedy(
        "This back office, or this release, cannot do that.",
        f"Do it by hand and dismiss this, or change the rule that asks for it. {_AGAIN}",
    ),
    "failed": Remedy(
        "It failed, and trying again cannot help.",
        f"Do what the message says. {_AGAIN}",
    ),
    "bad_input": Remedy(
        "What came in cannot be read.",
        f"Correct the field that the message names. {_AGAIN}",
    ),
    "gone": Remedy(
        "The record is not in the store any more.",
        "If it was deleted on purpose, dismiss this; else restore it and replay.",
    ),
    "too_large": Remedy(
        "An answer of the other side is larger or deeper than is read.",
        f"Look for a plugin that adds to it. {_AGAIN}",
    ),
    "request_too_large": Remedy(
        "The store does not take a request of this size.",
        f"Raise the limit of its web server, or push a smaller limit. {_AGAIN}",
    ),
    "foreign_host": Remedy(
        "The other side sent us to another address, which is not followed.",
        "Correct the address in accord.toml and deploy; then replay.",
    ),
    "private_address": Remedy(
        "The address of the other side leads into a private network, which is not followed.",
        "Correct the address, or allow it in accord.toml where it is meant so, and deploy; then "
        "replay.",
    ),
    "dead_letter": Remedy(
        "The worker died on this change six times.",
        f"Find its error in the log by the correlation id and mend the cause. {_AGAIN}",
    ),
    "error": Remedy("Something went wrong.", f"Do what the message says. {_AGAIN}"),
}


def passes(reason: str) -> bool:
    """Whether it goes on by itself: it is open for whoever wonders, and nobody is rung for it."""
    return remedy(reason).do == _BY_ITSELF


def remedy(reason: str) -> Remedy:
    """For a code of the other side's own, which is in no table: it refused something."""
    return REMEDIES.get(reason) or REMEDIES["rejected"]

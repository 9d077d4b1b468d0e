"""What must hold of customers when all is healed."""

from collections import Counter
from collections.abc import Iterator

from accord.local.life.people import People
from accord.local.world import World
from accord.model.change import Ref
from accord.model.party import Profile
from accord.sync import conflicts


def customer_differences(world: World, people: People) -> Iterator[str]:
    """What differs of accounts and parties, and nobody was told of. Customers are named first."""
    parties = Counter(each["email"] for each in world.books.parties() if each["email"])
    for email, count in parties.items():
        if count > 1:
            yield f"{email} has {count} parties"
    told: dict[str, set[str]] = {}
    for item in world.attention.open():
        told.setdefault(item.subject, set()).add(item.reason)
    for id_ in people.customers:
        document = world.store.customers.get(id_)
        ref = Ref(world.store.name, "customer", id_)
        link = world.links.get(ref)
        if document is None:
            continue
        if link is None or link.erp is None:
            if str(ref) not in told:
                yield f"{id_} has no party"
            continue
        known = told.get(str(ref), set()) | told.get(str(link.erp), set())
        found = world.erp().profile(link.erp)
        if found is None:
            yield f"{id_}: {link.erp} is not there"
            continue
        if not known:
            for field in unlike(world.store.customer(document).profile, found[0]):
                yield f"{id_}: {field} differs"


def unlike(store: Profile, erp: Profile) -> Iterator[str]:
    """The fields of which both sides say something, and not the same, with both values."""
    ours, theirs = conflicts.Shown(store, {}), conflicts.Shown(erp, {})
    for field in conflicts.FIELDS:
        a, b = ours.value(field), theirs.value(field)
        if a is None or b is None or conflicts.mark(field, a) == conflicts.mark(field, b):
            continue
        if not conflicts.alike(a, b):
            yield f"{field} ({a!r} in the store, {b!r} in the back office)"

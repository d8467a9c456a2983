"""What changed between two JSON values, as short as a growing curve allows; board.js applies it.

null                               nothing
{"set": value}                     all of it
{"keep": n, "add": tail}           a list whose first n items stay and are followed by others
{"members": {name: patch}, "gone": [name]}   an object
{"items": [3, [4, patch], {"set": item}]}    a list of objects: the old item 3, the old item 4 changed, a new one
"""

from typing import Any

JSON = Any  # a dict, list, str, float, int, bool or None


def patch(old: JSON, new: JSON) -> JSON:
    """patched(old, patch(old, new)) == new"""
    if old is new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        return patch_object(old, new)
    if isinstance(old, list) and isinstance(new, list):
        return patch_objects(old, new) if holds(dict, old) and holds(dict, new) else patch_list(old, new)
    return None if old == new else {"set": new}


def holds(kind: type, items: list[JSON]) -> bool:
    return bool(items) and all(isinstance(item, kind) for item in items)


def patch_object(old: dict[str, JSON], new: dict[str, JSON]) -> JSON:
    patches = {name: patch(old[name], value) if name in old else {"set": value} for name, value in new.items()}
    changed = {name: change for name, change in patches.items() if change is not None}
    gone = [name for name in old if name not in new]
    return {"members": changed, "gone": gone} if changed or gone else None


def patch_objects(old: list[dict[str, JSON]], new: list[dict[str, JSON]]) -> JSON:
    """An item is recognised by its uid, or else by its place."""
    places = {item.get("uid", place): place for place, item in enumerate(old)}
    items = [patch_item(old, places.get(item.get("uid", place)), item) for place, item in enumerate(new)]
    return None if items == list(range(len(old))) else {"items": items}


def patch_item(old: list[dict[str, JSON]], place: int | None, item: dict[str, JSON]) -> JSON:
    if place is None:
        return {"set": item}
    change = patch(old[place], item)
    return place if change is None else [place, change]


def patch_list(old: list[JSON], new: list[JSON]) -> JSON:
    if old == new:
        return None
    kept = common_start(old, new)
    if kept:
        return {"keep": kept, "add": new[kept:]}
    if len(old) == len(new) and holds(list, old) and holds(list, new):  # a heat map's rows grow all at once
        return {"items": [[place, patch(old[place], row)] for place, row in enumerate(new)]}
    return {"set": new}


def common_start(old: list[JSON], new: list[JSON]) -> int:
    """How many first items are equal, by halving: slices are compared much faster than items one by one."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low

"""Runs on GIMP's screen: looks at widgets and moves them through the accessibility bus.

One JSON list a line comes in, such as ["click", "^Colorize$", "OK"], one JSON object a line goes
out. A widget is known by its whole label or name, without the mark of its mnemonic.
"""

import json
import os
import re
import subprocess
import sys
import time
import traceback

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

SECONDS = 15.0
FIELDS = ("text", "entry", "spin button", "combo box", "check box", "toggle button", "slider")
SWITCHES = ("check box", "toggle button", "radio button")


def menu(*names):
    """Choose an entry of the menu bar."""
    node = find(" GIMP$", lambda one: one.get_role_name() == "menu bar", "menu bar")
    for name in names:
        node = patiently(lambda: child_named(node, name), f"menu entry {name!r}")  # noqa: B023
        press(node)
        time.sleep(0.05)


def is_grey(*names):
    """Tell whether a menu entry cannot be chosen; its menu is opened and closed for that."""
    menu(*names[:-1])
    node = find(" GIMP$", lambda one: one.get_role_name() == "menu bar", "menu bar")
    for name in names:
        node = patiently(lambda: child_named(node, name), f"menu entry {name!r}")  # noqa: B023
    try:
        return not has(node, "SENSITIVE")
    finally:
        key("Escape", "Escape")


def texts(window):
    """List the texts that a window shows."""

    def look():
        shown = (text_of(one) or one.get_name() for one in showing(window))
        return [text for text in shown if text]

    return patiently(look, window)


def get(window, name):
    """Read a field."""
    field = find(window, lambda one: is_field(one) and is_named(one, name), name)
    if field.get_role_name() in SWITCHES:
        return has(field, "CHECKED") or has(field, "PRESSED")
    if field.get_role_name() == "combo box":
        chosen = field.get_selection_iface().get_selected_child(0)
        return chosen.get_name() if chosen else ""
    return text_of(field)


def put(window, name, value):
    """Fill a field; "*" is the first one."""
    field = find(window, lambda one: is_field(one) and (name == "*" or is_named(one, name)), name)
    role = field.get_role_name()
    if role in ("spin button", "slider"):
        field.get_value_iface().set_current_value(float(value))
    elif role == "combo box":
        items = (one for one in descendants(field) if one.get_role_name() == "menu item")
        press(next(one for one in items if plain(one.get_name()) == value))
    elif role in SWITCHES:
        if get(window, name) != value:
            press(field)
    else:
        field.get_editable_text_iface().set_text_contents(value)


def click(window, name):
    """Press a button or a switch, or choose from a list."""
    press(find(window, lambda one: is_pressed(one) and is_named(one, name), name))


def place(window, name, role=""):
    """Give left, top, width and height of a widget on the screen; a role tells namesakes apart."""
    found = find(
        window, lambda one: is_named(one, name) and role in ("", one.get_role_name()), name
    )
    box = found.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    return [box.x, box.y, box.width, box.height]


def keys(window, *names):
    """Give a window the focus and press keys."""
    focus(window)
    key(*names)


def write(window, text):
    """Give a window the focus and type."""
    focus(window)
    run("xdotool", "type", "--delay", "5", "--", text)


def resize(window, width, height):
    """Give a window another size, in the corner of the screen."""
    number = number_of(window)
    run("xdotool", "windowmove", number, "0", "0", "windowsize", number, str(width), str(height))


def point(x, y, click=False):
    """Move the pointer, and click."""
    run("xdotool", "mousemove", str(x), str(y), *(["click", "1"] if click else []))


def titles():
    """List the titles of the windows that show."""
    found = run("xdotool", "search", "--onlyvisible", "--name", ".").split()
    names = (run("xdotool", "getwindowname", one).strip() for one in found)
    return [name for name in names if name]


def shot(file, window=""):
    """Take a picture of the screen, or of a window."""
    run("import", "-window", number_of(window) if window else "root", file)


ORDERS = {one.__name__: one for one in (
    menu, is_grey, texts, get, put, click, place, keys, write, resize, point, titles, shot,
)}  # fmt: skip


def focus(window):
    number = number_of(window)
    run("xdotool", "windowactivate", "--sync", number, "windowfocus", "--sync", number)


def number_of(window):
    search = ("xdotool", "search", "--onlyvisible", "--name", window)
    return patiently(lambda: run(*search).split(), window)[-1]


def key(*names):
    run("xdotool", "key", "--delay", "20", *names)


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout


def find(window, holds, name):
    return patiently(
        lambda: next((one for one in showing(window) if holds(one)), None), f"{name!r} in {window}"
    )


def showing(window):
    """Yield what shows in the window whose title matches."""
    for one in descendants(patiently(lambda: find_window(window), window)):
        if has(one, "SHOWING"):
            yield one


def find_window(title):
    desktop = Atspi.get_desktop(0)
    desktop.clear_cache()
    for app in children(desktop):
        for one in children(app):
            if re.search(title, one.get_name() or "") and has(one, "SHOWING"):
                return one
    return None


def patiently(look, what):
    end = time.monotonic() + SECONDS
    while True:
        try:
            found = look()
        except GLib.Error:  # a widget went away while it was looked at
            found = None
        if found:
            return found
        if time.monotonic() > end:
            raise LookupError(f"there is no {what}")
        time.sleep(0.05)


def children(node):
    found = (node.get_child_at_index(at) for at in range(node.get_child_count()))
    return [one for one in found if one is not None]


def descendants(node):
    yield node
    for one in children(node):
        yield from descendants(one)


def child_named(node, name):
    return next((one for one in children(node) if plain(one.get_name()) == name), None)


def is_named(node, name):
    if plain(node.get_name()) == name:
        return True
    return any(
        plain(relation.get_target(0).get_name()) == name
        for relation in node.get_relation_set()
        if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY
    )


def is_field(node):
    return node.get_role_name() in FIELDS


def is_pressed(node):
    if node.get_parent().get_role_name() == "list item":
        return True
    return node.get_action_iface() is not None and node.get_text_iface() is None


def has(node, state):
    return node.get_state_set().contains(getattr(Atspi.StateType, state))


def text_of(node):
    return Atspi.Text.get_text(node, 0, -1) if node.get_text_iface() else ""


def plain(name):
    return (name or "").replace("_", "").strip().rstrip(":")


def press(node):
    if not has(node, "SENSITIVE"):
        raise LookupError(f"{node.get_name()!r} is greyed out")
    row = node.get_parent()
    if row.get_role_name() == "list item":
        row.get_parent().get_selection_iface().select_child(row.get_index_in_parent())
    else:
        node.get_action_iface().do_action(0)


def obey(line):
    try:
        name, *words = json.loads(line)
        return {"answer": ORDERS[name](*words)}
    except Exception:
        return {"problem": traceback.format_exc()}


# Each order has a process of its own: the bus's library remembers what it saw.
for line in sys.stdin:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    Atspi.init()
    print(json.dumps(obey(line)), flush=True)
    os._exit(0)

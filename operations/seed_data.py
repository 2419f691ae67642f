"""The words of the demo: projects, titles, descriptions and comments as a company of 50 developers would write them."""

from typing import NamedTuple


class ProjectText(NamedTuple):
    """A project and the parts that its issues are about."""

    name: str
    description: str
    parts: tuple[str, ...]
    is_archived: bool = False


PROJECTS = (
    ProjectText(
        "Customer Portal",
        "Where customers see their contracts, invoices and messages. Public, so accessibility and speed come first.",
        ("Login form", "Invoice list", "Contract page", "Message inbox", "Profile settings", "Password reset"),
    ),
    ProjectText(
        "Billing Engine",
        "Monthly invoices, credit notes and dunning for every country we sell in.",
        ("Invoice run", "Credit note", "VAT calculation", "Dunning letter", "SEPA export", "Currency rounding"),
    ),
    ProjectText(
        "Mobile App",
        "The app for iOS and Android, released every second Tuesday.",
        ("Push notification", "Offline cache", "Camera upload", "Biometric sign-in", "Home screen", "Deep link"),
    ),
    ProjectText(
        "Warehouse Scanner",
        "Handheld scanners in the Zürich and Łódź warehouses; works through hours without a network.",
        ("Barcode reader", "Pick list", "Stock count", "Label printer", "Shift change", "Sync queue"),
    ),
    ProjectText(
        "Search Service",
        "Full-text search over products and help pages, behind the portal and the app.",
        ("Index rebuild", "Autocomplete", "Synonym list", "Result ranking", "Facet filter", "Spelling correction"),
    ),
    ProjectText(
        "Data Platform",
        "Nightly loads, the reporting database and the dashboards that management reads on Mondays.",
        ("Nightly load", "Revenue dashboard", "CSV export", "Schema registry", "Event stream", "Access report"),
    ),
    ProjectText(
        "Identity Gateway",
        "Single sign-on for employees and partners, with provisioning from the HR system.",
        ("SAML assertion", "Session cookie", "Group mapping", "Audit trail", "Second factor", "Account lockout"),
    ),
    ProjectText(
        "Build Infrastructure",
        "Runners, caches, base images and the deployment pipeline of all other projects.",
        ("Build cache", "Runner image", "Deployment step", "Artefact upload", "Secret rotation", "Status page"),
    ),
    ProjectText(
        "Legacy Intranet",
        "The old intranet, read-only since its pages moved to the wiki.",
        ("Phone book", "Holiday calendar", "News page", "Room booking", "Canteen menu"),
        is_archived=True,
    ),
    ProjectText(
        "Partner API v1",
        "First version of the partner interface, replaced by v2 and switched off.",
        ("Order endpoint", "Price list", "Webhook delivery", "API key page", "Rate limit"),
        is_archived=True,
    ),
)

SYMPTOMS = (
    "accepts a date that does not exist",
    "breaks when the name has an apostrophe",
    "cannot be reached with the keyboard",
    "counts the same entry twice",
    "cuts long German words without a hyphen",
    "does not load behind the company proxy",
    "does not remember the chosen sort order",
    "does not show names such as Søren or Zoë",
    "drops the last line of a file without a final newline",
    "fails after exactly 30 minutes of inactivity",
    "fails on the first day of daylight saving time",
    "fails with a time-out on large customers",
    "flickers while the page scrolls",
    "forgets the filter after a reload",
    "hangs when the network changes from Wi-Fi to mobile",
    "has a contrast that is too low in dark mode",
    "ignores the language of the browser",
    "is empty for users with only one contract",
    "is slow when more than 1,000 entries match",
    "keeps a lock when it is cancelled",
    "leaks memory over a weekend",
    "loses entries when two people save at once",
    "needs a confirmation before it deletes",
    "needs an option to try again",
    "overwrites changes from another tab",
    "prints the total on a page of its own",
    "reports success although nothing was written",
    "returns an internal error for an empty file",
    "rounds half a cent in the wrong direction",
    "sends the same message several times",
    "should explain why it was refused",
    "should say how long it will take",
    "shows a stale value for about five minutes",
    "shows the server's time zone instead of the user's",
    "sorts Ä after Z",
    "stops at a file with a byte order mark",
    "uses a certificate that expires next month",
    "uses the wrong plural for zero",
    "waits forever when the other side is down",
    "writes a warning to the log on every request",
)

INTRODUCTIONS = (
    "Reported by **{n} customers** since the last release.",
    "Found while testing the release candidate; it also happens in production.",
    "The support team gets about {n} calls a week about this.",
    "Seen once or twice a day, more often on *Mondays*.",
    "This has been so for a long time, but it starts to hurt now that the load grows.",
    "Came up in the review of the last incident (see https://wiki.flycatcher.example/incidents/{n}).",
    "Not urgent, but it makes a bad impression in demos.",
    "We promised this to the warehouse team for this quarter.",
)

DETAILS = (
    """### Steps to reproduce

1. Sign in as a user with {n} entries
2. Open the page
3. Reload it twice

**Expected:** the same as before
**Seen:** see the title""",
    """```
2026-03-{d:02} 07:4{k}:12 ERROR worker-{k} request failed after {n}000 ms
2026-03-{d:02} 07:4{k}:13 WARN  worker-{k} giving up
```""",
    """| browser | version | affected |
|---|---:|:---:|
| Firefox | 14{k} | yes |
| Chrome | 15{k} | yes |
| Safari | 2{k} | no |""",
    """What we know so far:

- happens with release `4.{k}.{n}` and later
- ~~only with the cache on~~ with and without the cache
- a restart helps for about {n} minutes""",
    """> It worked yesterday, and I changed nothing.

The customer sent a recording; it is in the support ticket SUP-{d}{k}{n}.""",
    "The cause seems to be `retry(limit={k})`, which counts from zero. A fix needs a test with `limit=1`.",
    """Acceptance:

- works for {n} entries
- works for none
- has an entry in the release notes""",
)

COMMENTS = (
    "I can reproduce this on staging.",
    "Cannot reproduce with release `4.{k}.{n}`. Which version do you have?",
    "The log says:\n\n```\nTimeoutError: no answer after {n} s\n```",
    "Same here, with about {n} entries.",
    "This is the same cause as the one we had in spring: the *connection* is never given back.",
    "I have a fix, review is open. It needs one more test.",
    "Reviewed, two small remarks, otherwise **good to merge**.",
    "Merged. It goes out with the release on Tuesday.",
    "Verified on staging with {n} entries, works.",
    "It is back. Seen {n} times since this morning.",
    "Workaround until then:\n\n1. Clear the cache\n2. Sign in again",
    "Can we raise the priority? The customer calls *every* day.",
    "I would rather fix the cause than add another retry.",
    "Measured: {n}0 ms before, {k} ms after.",
    "Please attach the request id from the error page.",
    "The request id is `{k}f3a{n}c0`, time was 07:4{k} UTC.",
    "Not a bug, works as described in https://wiki.flycatcher.example/handbook/{n}. But the text is misleading.",
    "Then let us change the text.",
    "Talked to the support team: {n} customers are affected.",
    "| run | seconds |\n|---:|---:|\n| 1 | {n}.{k} |\n| 2 | {n}.9 |",
    "I will look at it after the release.",
    "Blocked by the firewall change, which is planned for next week.",
    "The firewall change is done.",
    "~~Only on Windows~~ On every platform, I have just checked.",
    "Thanks, that helped!",
)

AFTERTHOUGHTS = (
    "Will add a test.",
    "Also checked on a phone.",
    "Sorry for the delay.",
    "Let me know if you need more.",
    "Same result after a restart.",
    "See also the notes of the last retrospective.",
)

EDITS = (
    "*Edit: corrected the version.*",
    "*Edit: added the numbers.*",
    "*Edit: it was the cache after all.*",
)

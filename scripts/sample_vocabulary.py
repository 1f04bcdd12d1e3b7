"""What the people, places and goods of the sample are called, and how often each occurs."""

from types import SimpleNamespace

import numpy as np


def columns(names: str, *rows: tuple) -> SimpleNamespace:
    """The columns of a small table as arrays, by their names."""
    return SimpleNamespace(
        **{
            name: np.array(values, object if isinstance(values[0], str) else float)
            for name, values in zip(names.split(), zip(*rows, strict=True), strict=True)
        }
    )


# Sessions are against a buyer's; products are those viewed in addition; carts per product viewed.
KIND = columns(
    "name share sessions products carts",
    ("buyer", 80, 1.0, 0.0, 0.06),
    ("visitor", 5, 0.35, 0.0, 0.0),
    ("window shopper", 5, 2.2, 3.0, 0.0),
    ("cart abandoner", 6, 1.6, 3.0, 0.2),
    ("silent", 4, 0.0, 0.0, 0.0),
)
# Phone numbers begin like those that are kept for fiction.
PLACE = columns(
    "country language region city postal_code phone share",
    ("DE", "de", "Bayern", "Neuwalden", "80997", "+4930231250", 17),
    ("DE", "de", "Hessen", "Lindenried", "60996", "+4930231250", 12),
    ("DE", "de", "Sachsen", "Elbtal", "01995", "+4930231250", 8),
    ("DE", "tr", "Berlin", "Mühlenau", "10994", "+4930231250", 3),
    ("AT", "de", "Tirol", "Sankt Arlen", "6099", None, 9),
    ("AT", "de", "Wien", "Donaugrund", "1099", None, 7),
    ("CH", "de", "Zürich", "Seewil", "8099", None, 6),
    ("CH", "fr", "Vaud", "Clairlac", "1098", None, 3),
    ("FR", "fr", "Bretagne", "Port-Élan", "35999", "+331990000", 8),
    ("FR", "fr", "Occitanie", "Valbrune", "31999", "+331990000", 5),
    ("GB", "en", "Wales", "Llanbryn", "CF99 9ZZ", "+4477009000", 7),
    ("GB", "en", "England", "Ashcombe", "LE99 9ZZ", "+4477009000", 5),
    ("US", "en", "Oregon", "Cedar Bend", "97999", "+120255501", 6),
    ("US", "es", "Texas", "Mesa Clara", "79998", "+120255501", 4),
)
DEVICE = columns(
    "type system browser share",
    ("mobile", "iOS", "Safari", 28),
    ("mobile", "Android", "Chrome", 27),
    ("desktop", "Windows", "Chrome", 17),
    ("desktop", "Windows", "Edge", 9),
    ("desktop", "macOS", "Safari", 8),
    ("tablet", "iPadOS", "Safari", 7),
    ("desktop", "Linux", "Firefox", 4),
)
# The first two carry campaigns; acquisition is the source of a customer who came that way.
TRAFFIC = columns(
    "source medium acquisition share",
    ("google", "cpc", "paid_search", 15),
    ("newsletter", "email", "newsletter", 12),
    ("google", "organic", "organic_search", 27),
    ("direct", None, "direct", 25),
    ("instagram", "social", "social", 11),
    ("partner", "referral", "referral", 6),
    ("bing", "organic", "organic_search", 4),
)
# One for each of eight quarters, first of paid search, then of the newsletter.
CAMPAIGNS = [f"{kind}_{year}q{q}" for kind in ("cpc", "mail") for year in (24, 25) for q in "1234"]
CATEGORY = columns(
    "name price share",
    ("fashion", 1.0, 24),
    ("home", 1.2, 18),
    ("electronics", 2.1, 12),
    ("beauty", 0.6, 16),
    ("sports", 1.1, 12),
    ("books", 0.4, 10),
    ("toys", 0.7, 8),
)
CHANNEL = columns("name share", ("web", 42), ("app", 27), ("shop", 25), ("phone", 6))
PAYMENT = columns(
    "name share", ("card", 40), ("paypal", 30), ("invoice", 18), ("gift_card", 3), ("cash", 9)
)
DISCOUNT = columns("percent share", (5, 25), (10, 35), (15, 20), (20, 15), (30, 5))
STATUSES = ("completed", "shipped", "processing", "cancelled", "credit_note")
COUPONS = ("WELCOME10", "SPRING15", "SUMMER20", "FALL15", "XMAS10")

WOMEN = ("Anna", "Zoë", "Marie", "Léa", "Emma", "Ayşe", "Grace", "Lucía", "Sophie", "Nora")
MEN = ("Paul", "Jürgen", "Hugo", "Émile", "James", "Mehmet", "Owen", "Diego", "Felix", "Noah")
LAST_NAMES = ("Müller", "Lefèvre", "Evans", "Yılmaz", "García", "O'Neill", "Schmidt", "Novak")
GENDERS = ("female", "male", "diverse")
INCOMES = ("under 25k", "25k-50k", "50k-75k", "75k-100k", "over 100k")
EDUCATION = ("school", "apprenticeship", "bachelor", "master", "doctorate")
MARITAL = ("single", "married", "divorced", "widowed")
JOBS = ("Buyer", "Office Manager", "Managing Director", "Head of Purchasing", "Assistant")

INDUSTRIES = ("retail", "software", "manufacturing", "health", "education", "finance", "hotels")
OWNERSHIP = ("private", "family", "public", "state")
TECHNOLOGIES = ("crm", "crm, erp", "spreadsheets", "erp, web shop")
EVENTS = ("sent", "opened", "clicked", "converted", "unsubscribed", "complained")
# Five of why people buy, three of how they like to be served.
ANSWERS = ("price", "quality", "status", "sustainability", "convenience")
ANSWERS += ("self_service", "personal", "partnership")
FEATURES = ("orders", "reports", "catalogue", "invoices", "approvals", "api", "budgets", "alerts")
PLAN = columns(
    "name price seats share",
    ("basic", 9_00, 1.0, 50),
    ("team", 15_00, 3.0, 35),
    ("enterprise", 24_00, 8.0, 15),
)
# The scale, and how often there is a score, a wait, an order that it is about, an end.
FEEDBACK = columns(
    "type lowest highest scored waits about resolved share",
    ("nps", 0, 10, 1.0, 0.0, 0.3, 0.0, 20),
    ("csat", 1, 5, 1.0, 0.2, 0.8, 0.0, 20),
    ("review", 1, 5, 1.0, 0.3, 1.0, 0.0, 35),
    ("complaint", 1, 3, 0.4, 0.9, 0.9, 0.75, 10),
    ("support_ticket", 1, 5, 0.6, 1.0, 0.5, 0.85, 15),
)

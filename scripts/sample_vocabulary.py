"""What the people, places and goods of the sample are called, and how often each occurs."""

# Kinds of people: share, sessions against a buyer's, products viewed more in each, and carts per
# product without buying. Buyers, who abandon carts, who only look, visitors, who never come.
KINDS = (
    (0.80, 1.0, 0.0, 0.06),
    (0.06, 1.6, 3.0, 0.20),
    (0.05, 2.2, 3.0, 0.0),
    (0.05, 0.35, 0.0, 0.0),
    (0.04, 0.0, 0.0, 0.0),
)
KIND_SHARE, KIND_SESSIONS, KIND_PRODUCTS, KIND_CARTS = zip(*KINDS)
BUYER, VISITOR = 0, 3

# Country, language, region, town, postal code, start of a phone range kept for fiction, weight.
PLACES = (
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
COUNTRY, LANGUAGE, REGION, CITY, POSTAL_CODE, PHONE, PLACE_WEIGHT = zip(*PLACES)
DEVICES = (
    ("mobile", "iOS", "Safari", 28),
    ("mobile", "Android", "Chrome", 27),
    ("desktop", "Windows", "Chrome", 17),
    ("desktop", "Windows", "Edge", 9),
    ("desktop", "macOS", "Safari", 8),
    ("tablet", "iPadOS", "Safari", 7),
    ("desktop", "Linux", "Firefox", 4),
)
DEVICE, SYSTEM, BROWSER, DEVICE_WEIGHT = zip(*DEVICES)
# Source and medium of a visit, the acquisition source that they make, weight.
TRAFFIC = (
    ("google", "cpc", "paid_search", 15),
    ("newsletter", "email", "newsletter", 12),
    ("google", "organic", "organic_search", 27),
    ("direct", None, "direct", 25),
    ("instagram", "social", "social", 11),
    ("partner", "referral", "referral", 6),
    ("bing", "organic", "organic_search", 4),
)
SOURCE, MEDIUM, ACQUISITION, TRAFFIC_WEIGHT = zip(*TRAFFIC)
# Eight quarters of each of the first two of TRAFFIC, which alone carry a campaign.
CAMPAIGNS = [f"{kind}_{year}q{q}" for kind in ("cpc", "mail") for year in (24, 25) for q in "1234"]

WOMEN = ("Anna", "Zoë", "Marie", "Léa", "Emma", "Ayşe", "Grace", "Lucía", "Sophie", "Nora")
MEN = ("Paul", "Jürgen", "Hugo", "Émile", "James", "Mehmet", "Owen", "Diego", "Felix", "Noah")
LAST_NAMES = ("Müller", "Lefèvre", "Evans", "Yılmaz", "García", "O'Neill", "Schmidt", "Novak")
INCOMES = ("under 25k", "25k-50k", "50k-75k", "75k-100k", "over 100k")
EDUCATION = ("school", "apprenticeship", "bachelor", "master", "doctorate")
MARITAL = ("single", "married", "divorced", "widowed")
JOBS = ("Buyer", "Office Manager", "Managing Director", "Head of Purchasing", "Assistant")
CATEGORIES = ("fashion", "home", "electronics", "beauty", "sports", "books", "toys")
CATEGORY_WEIGHT, CATEGORY_PRICE = (24, 18, 12, 16, 12, 10, 8), (1.0, 1.2, 2.1, 0.6, 1.1, 0.4, 0.7)
CHANNELS, CHANNEL_WEIGHT = ("web", "app", "shop", "phone"), (42, 27, 25, 6)
PAYMENTS, PAYMENT_WEIGHT = ("card", "paypal", "invoice", "gift_card", "cash"), (40, 30, 18, 3, 9)
SHOP, CARD, CASH = 2, 0, 4
COUPONS = ("WELCOME10", "SPRING15", "SUMMER20", "FALL15", "XMAS10")
DISCOUNT_PERCENTS, DISCOUNT_WEIGHT = (5, 10, 15, 20, 30), (25, 35, 20, 15, 5)
STATUSES = ("completed", "shipped", "processing", "cancelled", "credit_note")
COMPLETED, SHIPPED, PROCESSING, CANCELLED, CREDIT_NOTE = range(5)

"""The models a school district buys."""

import msgspec


class Model(msgspec.Struct, frozen=True):
    name: str
    family: str
    product_type: str
    part_number: str
    capacities: tuple[str, ...]
    colors: tuple[str, ...]
    cellular: bool = False
    ethernet: bool = False


CATALOG = (
    Model(
        "iPad (10th generation)",
        "iPad",
        "iPad13,18",
        "MPQ13LL/A",
        ("64GB", "256GB"),
        ("BLUE", "SILVER", "PINK"),
    ),
    Model(
        "iPad (9th generation)", "iPad", "iPad12,1", "MK2K3LL/A", ("64GB", "256GB"), ("SPACE GRAY", "SILVER")
    ),
    Model("iPad (A16)", "iPad", "iPad15,7", "MD3Y4LL/A", ("128GB", "256GB"), ("BLUE", "SILVER", "YELLOW")),
    Model(
        "MacBook Air (13-inch, M3, 2024)",
        "Mac",
        "Mac15,12",
        "MRXV3LL/A",
        ("256GB", "512GB"),
        ("MIDNIGHT", "SILVER"),
    ),
    Model(
        "iPad (8th generation)", "iPad", "iPad11,6", "MYLA2LL/A", ("32GB", "128GB"), ("SPACE GRAY", "SILVER")
    ),
    Model("MacBook Air (M1, 2020)", "Mac", "MacBookAir10,1", "MGN63LL/A", ("256GB",), ("SPACE GRAY", "GOLD")),
    Model(
        "iPad Air 11-inch (M2) Wi-Fi + Cellular",
        "iPad",
        "iPad14,9",
        "MUXE3LL/A",
        ("128GB",),
        ("BLUE", "PURPLE"),
        cellular=True,
    ),
    Model(
        "Apple TV 4K (3rd generation)",
        "AppleTV",
        "AppleTV14,1",
        "MN893LL/A",
        ("128GB",),
        ("BLACK",),
    ),
)
IMAC = Model('iMac 21.5"', "Mac", "iMac18,2", "Z0UK", ("1TB",), ("SILVER",), ethernet=True)
DUAL_SIM_IPHONE = Model(
    "iPhone 13", "iPhone", "iPhone14,5", "MLPG3LL/A", ("128GB",), ("MIDNIGHT",), cellular=True
)
EVERY_MODEL = (*CATALOG, IMAC, DUAL_SIM_IPHONE)

"""What the team's workers do, as it runs them in production."""

from dataclasses import dataclass


@dataclass
class Parcel:
    parcel: str
    weight: float = 1.5


def users_reserve(order):
    return {"reserved": order}


def users_charge(task):
    task.log(f"charging {task.input['amount']}")
    task.sleep(90_000)
    return {"paid": task.input["amount"]}


async def users_pack(task):
    task.sleep(30_000)


def users_ship(charge):
    return Parcel(parcel=f"p-{charge['paid']}")

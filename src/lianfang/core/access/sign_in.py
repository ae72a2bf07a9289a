"""Signing in: a password makes a token, a token makes an actor as long as its grant is valid."""

import uuid
from datetime import timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.core import signing

from lianfang.core.access.models import Account
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor, SignInRefused
from lianfang.kit.clock import machine_now

SALT = "lianfang.session"
SHIFT = timedelta(hours=12)
WRONG = "The name or the password is wrong. Ask your duty desk for a new password if you have forgotten it."


def sign_in(username: str, password: str) -> list[Actor]:
    """Return what the account may act as, the widest grant first; raises `SignInRefused` with a sentence.

    An unknown name costs as much time as a wrong password, so that nobody can try out names.
    """
    # no account has a name that cannot be printed, and the database cannot even look for a NUL
    known = (
        Account.objects.filter(username=username, is_active=True) if username.isprintable() else Account.objects.none()
    )
    account = known.first()
    if account is None:
        make_password(password)
        raise SignInRefused(WRONG)
    if not check_password(password, account.password):
        raise SignInRefused(WRONG)
    actors = actors_of(account.id, machine_now())
    if not actors:
        raise SignInRefused("This account holds no post at this time. Ask the administrator of your unit.")
    return actors


def token_of(actor: Actor) -> str:
    """Return the signed text with which a phone or program acts under one grant for one shift (12 h)."""
    return signing.dumps([str(actor.account_id), str(actor.grant_id)], salt=SALT)


def actor_of_token(token: str) -> Actor:
    """Return who acts with a token; raises `SignInRefused` when it is forged, older than a shift, or revoked."""
    try:
        account, grant = signing.loads(token, salt=SALT, max_age=SHIFT)
    except signing.BadSignature:
        raise SignInRefused("This sign-in is over or not valid. Sign in again.") from None
    return acting_grant(uuid.UUID(account), uuid.UUID(grant))


def acting_grant(account: uuid.UUID, grant: uuid.UUID | None) -> Actor:
    """Return the actor for one of an account's valid grants (the widest when none is named)."""
    actors = actors_of(account, machine_now())
    for actor in actors:
        if grant in (None, actor.grant_id):
            return actor
    raise SignInRefused("This grant is not valid any more. Sign in again or ask the administrator of your unit.")

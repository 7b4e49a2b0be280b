"""What NetSuite's codes and faults come to; the names are those of its schema.

Of more than a thousand codes nearly all say that a record is refused for a business reason, so
only the others are named here.
"""

from __future__ import annotations

#: We ask too much at once.  Nothing was done.
THROTTLED = frozenset(
    {
        "CONCURRENCY_LIMIT_EXCEEDED",
        "CONCUR_SEARCH_DISALLWD",
        "EXCEEDED_MAX_CONCUR_RQST",
        "EXCEEDED_MAX_SESSIONS",
        "SSS_REQUEST_LIMIT_EXCEEDED",
        "WS_CONCUR_SESSION_DISALLWD",
        "WS_EXCEEDED_CONCUR_USERS_ALLWD",
        "WS_REQUEST_BLOCKED",
    }
)
#: Somebody saved the record in between.
CONFLICT = frozenset(
    {
        "CANT_UPDATE_RECRD_HAS_CHANGED",
        "RCRD_EDITED_SINCE_RETRIEVED",
        "RCRD_HAS_BEEN_CHANGED",
    }
)
#: The record itself is there already.  Another one of the same name or address (DUP_ENTITY) is a
#: business reason: it is not the one that was sent.
DUPLICATE = frozenset({"DUP_RCRD", "DUP_TRANS"})
#: Login, role or feature: every further call would fail alike.
MISCONFIGURED = frozenset(
    {
        "ACTIVE_ROLE_REQD",
        "ADDITIONAL_AUTHENTICATION_REQUIRED_2FA",
        "CANT_LOGIN_WITH_OAUTH",
        "INSUFFICIENT_FLD_PERMISSION",
        "INSUFFICIENT_PERMISSION",
        "INVALID_ACCT",
        "INVALID_LOGIN",
        "INVALID_LOGIN_ATTEMPT",
        "INVALID_LOGIN_CREDENTIALS",
        "INVALID_LOGIN_IP",
        "INVALID_ROLE",
        "INVALID_SESSION",
        "INVALID_WS_VERSION",
        "LOGIN_DISABLED",
        "LOGIN_REQD",
        "NOT_ENOUGH_PERMISSIONS",
        "PERMISSION_VIOLATION",
        "ROLE_REQUIRED",
        "TWO_FA_AUTH_REQD",
        "UNSUPPORTED_WS_VERSION",
        "WRONG_DC_OR_VERSION",
        "WS_FEATURE_REQD",
        "WS_PERMISSION_REQD",
    }
)
#: Not saved, and likely to be another time.
RETRY = frozenset({"ACCT_TEMP_UNAVAILABLE"})
#: The server does not know itself what became of it.
UNCERTAIN = frozenset(
    {
        "JE_UNEXPECTED_ERROR",
        "SESSION_TIMED_OUT",
        "SSS_CONNECTION_TIME_OUT",
        "SSS_TIME_LIMIT_EXCEEDED",
        "UNEXPECTED_ERROR",
        "UNEXPECTED_FAILURE",
    }
)
#: The answer to a question for what is not there.
ABSENT = "RCRD_DSNT_EXIST"

_BY_OUTCOME = (
    ("throttled", THROTTLED),
    ("conflict", CONFLICT),
    ("duplicate", DUPLICATE),
    ("misconfigured", MISCONFIGURED),
    ("retry", RETRY),
    ("", UNCERTAIN),
)

#: Faults by the element in their detail: a wrong token, for one, comes with the code USER_ERROR.
FAULTS = {
    "exceededConcurrentRequestLimitFault": "throttled",
    "exceededRequestLimitFault": "throttled",
    "exceededUsageLimitFault": "throttled",
    "exceededRecordCountFault": "too large",
    "exceededRequestSizeFault": "too large",
    "insufficientPermissionFault": "misconfigured",
    "invalidAccountFault": "misconfigured",
    "invalidCredentialsFault": "misconfigured",
    "invalidSessionFault": "misconfigured",
    "invalidVersionFault": "misconfigured",
}


def means(code: str | None) -> str:
    """Which line of an answer a record's refusal with this code is; empty for none of them."""
    return next((outcome for outcome, codes in _BY_OUTCOME if code in codes), "rejected")

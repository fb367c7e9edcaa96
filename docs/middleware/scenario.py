"""Plays a scenario of Make or Zapier: hears of a new user, makes her Contact in Zoho CRM, and sends the link back.

It is what make.md and zapier.md build out of modules, as a program, so that each step can be read, run against
`cargo dev up` and tested. The Python library of the Standard Webhooks project verifies what we have signed and signs
what we are to take; nothing is shared with the backend.

    user.created  →  is it signed?  →  upsert the Contact by ISO_User_ID  →  add tags  →  crm.contact.linked

Settings come from the environment:

    ENDPOINT_KEYS       the keys of our endpoint in isoxp/<stage>/webhook-endpoints, with spaces between them: during a
                        rotation both are good
    SOURCE              the name of our source in isoxp/<stage>/webhook-sources, like make
    SOURCE_KEY          its key
    API_URL             where ISO Photo XP's API is, like http://127.0.0.1:3000
    ZOHO_ACCOUNTS_URL   https://accounts.zoho.com, or the simulator
    ZOHO_API_URL        https://www.zohoapis.com, or the simulator
    ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN
    PORT                where to listen on 127.0.0.1; 0 or nothing: any free port

Its first line of output is its address. What it writes after that names events and users by their ids, and nobody by
name. Needs Python 3.10 and local/requirements-middleware.lock.
"""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

# The field of a Contact that holds our user's id: unique over there.
USER_ID = "ISO_User_ID"
# Our webhooks are smaller than 20 kB.
MOST_BYTES = 64 * 1024
# The backend waits for 15 s for an answer, and this makes up to four calls.
CALL_SECONDS = 3
# What Zoho takes as a tag, and how many a Contact has room for.
TAG_LENGTH, TAGS = 25, 10


class Refused(Exception):
    """What the sender is answered: a status, and a sentence without anything about a person."""

    def __init__(self, status: int, problem: str):
        super().__init__(problem)
        self.status = status


class Zoho:
    """The three calls that a scenario's Zoho CRM modules make."""

    def __init__(self, settings: dict[str, str]):
        self.accounts_url = settings["ZOHO_ACCOUNTS_URL"]
        self.api_url = settings["ZOHO_API_URL"]
        self.grant = {
            "grant_type": "refresh_token",
            "client_id": settings["ZOHO_CLIENT_ID"],
            "client_secret": settings["ZOHO_CLIENT_SECRET"],
            "refresh_token": settings["ZOHO_REFRESH_TOKEN"],
        }
        self.token, self.token_ends = "", 0.0

    def upsert_contact(self, user: dict) -> str:
        """The id of the user's Contact, which is made or written over. Twice is once: the id decides."""
        contact = {
            USER_ID: user["user_id"],
            "Email": user["email"],
            "First_Name": user["first_name"],
            "Last_Name": user["last_name"],
            "Phone": user["phone_number"],
        }
        # What we do not know is not said, or it would empty what sales have written.
        contact = {field: value for field, value in contact.items() if value is not None}
        body = {"data": [contact], "duplicate_check_fields": [USER_ID]}
        return self.call("/crm/v8/Contacts/upsert", body)["details"]["id"]

    def add_tags(self, contact_id: str, sports: list[str]) -> None:
        """Beside the tags that are there: those are other people's."""
        tags = [{"name": sport} for sport in sports if len(sport) <= TAG_LENGTH][:TAGS]
        if tags:
            body = {"tags": tags, "ids": [contact_id], "over_write": False}
            self.call("/crm/v8/Contacts/actions/add_tags", body)

    def call(self, path: str, body: dict) -> dict:
        """The result of the one record that was sent: its own code counts, not the status of the whole."""
        headers = {"Authorization": f"Zoho-oauthtoken {self.access_token()}"}
        answer = post(self.api_url + path, json.dumps(body).encode(), headers, "application/json")[1]
        result = (answer.get("data") or [answer])[0]
        if result.get("status") != "success":
            raise Refused(502, f"Zoho refuses {path}: {result.get('code', 'no code')}")
        return result

    def access_token(self) -> str:
        """Zoho gives ten in ten minutes, so one is kept for as long as it is good."""
        if time.monotonic() >= self.token_ends:
            form = urllib.parse.urlencode(self.grant).encode()
            url = f"{self.accounts_url}/oauth/v2/token"
            answer = post(url, form, {}, "application/x-www-form-urlencoded")[1]
            # Errors come with the status 200.
            if "access_token" not in answer:
                raise Refused(502, f"Zoho gives no access token: {answer.get('error', 'no code')}")
            self.token = answer["access_token"]
            self.token_ends = time.monotonic() + answer.get("expires_in", 0) - 60
        return self.token


class Scenario:
    """The steps, one event after the other."""

    def __init__(self, settings: dict[str, str]):
        self.verifiers = [Webhook(key) for key in settings["ENDPOINT_KEYS"].split()]
        self.signer = Webhook(settings["SOURCE_KEY"])
        source = urllib.parse.quote(settings["SOURCE"])
        self.link_url = f"{settings['API_URL']}/api/webhooks/incoming?source={source}"
        self.zoho = Zoho(settings)
        self.done: set[str] = set()
        self.turn = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> str:
        """What became of a webhook, in one word. Raises Refused."""
        event = self.verified(headers, body)
        webhook_id = headers["webhook-id"]
        if event["type"] != "user.created":
            return "ignored"
        with self.turn:
            if webhook_id in self.done:
                return "known"
            contact_id = self.zoho.upsert_contact(event["data"])
            self.zoho.add_tags(contact_id, event["data"]["sport_interest"])
            self.link(webhook_id, event["data"]["user_id"], contact_id)
            self.done.add(webhook_id)
        return "linked"

    def verified(self, headers: dict[str, str], body: bytes) -> dict:
        for verifier in self.verifiers:
            try:
                return verifier.verify(body, headers)
            except (WebhookVerificationError, ValueError):
                continue
        raise Refused(401, "no key of this endpoint has signed this, or not within five minutes")

    def link(self, webhook_id: str, user_id: str, contact_id: str) -> None:
        """The loop back. Its id follows from the event's, so that what is said twice is a duplicate over there."""
        now = datetime.now(timezone.utc)
        link_id = f"{webhook_id}-linked"
        data = {"user_id": user_id, "zoho_contact_id": contact_id}
        body = json.dumps({"type": "crm.contact.linked", "timestamp": now.isoformat(), "data": data})
        headers = {
            "webhook-id": link_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self.signer.sign(link_id, now, body),
        }
        # These very bytes are signed: whoever serialises them again breaks the signature.
        status, answer = post(self.link_url, body.encode(), headers, "application/json")
        if status not in (200, 202):
            code = str(answer.get("type", "no code")).rsplit("/", 1)[-1]
            # As it is: the sender keeps the beginning of this answer, and an admin reads it there.
            raise Refused(status, f"the link is refused: {code}")
        log(user_id, answer.get("status", ""))


class Handler(BaseHTTPRequestHandler):
    """The scenario's webhook module. Any path will do: Make's and Zapier's addresses are secrets, this one is not."""

    scenario: Scenario

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("content-length", "0"))
            if length > MOST_BYTES:
                raise Refused(413, "too large")
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, outcome = 200, self.scenario.take(headers, self.rfile.read(length))
        except Refused as refused:
            status, outcome = refused.status, str(refused)
        except (KeyError, TypeError, ValueError) as error:
            # The name of what is missing, never a value.
            status, outcome = 400, f"the event cannot be read: {type(error).__name__}"
        log(self.headers.get("webhook-id", "no id"), outcome)
        answer = json.dumps({"outcome": outcome}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing: `do_POST` writes what is worth knowing."""


def post(url: str, body: bytes, headers: dict[str, str], content_type: str) -> tuple[int, dict]:
    """Status and JSON of an answer. Nobody there, or no JSON, is 502 for whoever asked us."""
    request = urllib.request.Request(url, body, {**headers, "content-type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as response:
            return response.status, as_object(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, as_object(error.read())
    except OSError as error:
        raise Refused(502, f"no answer from {urllib.parse.urlsplit(url).netloc}: {type(error).__name__}") from error


def as_object(text: bytes) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def log(subject: str, outcome: str) -> None:
    print(f"{subject}: {outcome}", flush=True)


def main() -> None:
    try:
        Handler.scenario = Scenario(dict(os.environ))
    except KeyError as missing:
        sys.exit(f"the environment variable {missing.args[0]} is not set")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT") or 0)), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

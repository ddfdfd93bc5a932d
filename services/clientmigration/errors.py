"""The errors that this package raises. Each says whose fault it is.

`OurFault` means this program is wrong, `PeersFault` means the other side of a connection is: the
connection is closed with the error's text, logged once, and nobody else is disturbed.
"""


class ClientMigrationError(Exception):
    """The root: catch this to catch everything the package raises on purpose."""


class OurFault(ClientMigrationError):
    """This side did something that it must not do: a bug or a wrong setting."""


class ConfigurationError(OurFault):
    """A flag, a file or the environment asks for what cannot be served. The text says which."""


class BadInput(OurFault):
    """What the program wants a player to send can not be sent: the text says what and why."""


class PlayerStopped(ClientMigrationError):
    """The player went home before this was complete."""


class NotOffered(ClientMigrationError):
    """The server does not send the file or topic that was asked for. The text says why."""


class Corrupted(ClientMigrationError):
    """A file did not arrive as it was offered. Whatever was passed on of it is useless."""


class Away(ClientMigrationError):
    """Whoever was asked is not there, or did not answer in time. The text says who, and where."""


class Refused(ClientMigrationError):
    """A well-formed order that cannot be carried out now. The text says why."""


class GameFault(ClientMigrationError):
    """The game that this server runs raised something, or gave a value that it may not give.
    `method` is its class and method, `player` whom it was about ("": the whole world)."""

    def __init__(self, method: str, player: str, why: str) -> None:
        super().__init__(f"{method}{f' of {player}' if player else ''}: {why}")
        self.method, self.player, self.why = method, player, why


class PeersFault(ClientMigrationError):
    """The peer broke the protocol. It loses its connection; nobody else is disturbed."""

    code = "protocol"


class NotOurProtocol(PeersFault):
    """The first bytes are not a greeting of ours, or of a version that is not spoken here."""

    code = "not_our_protocol"


class ForeignOrigin(PeersFault):
    """A browser on a page of an origin that may not connect here."""

    code = "foreign_origin"


class FrameTooLarge(PeersFault):
    """A frame announces more bytes than this direction allows."""

    code = "frame_too_large"


class MalformedFrame(PeersFault):
    """The bytes of a frame do not decode to any message that may be said here."""

    code = "malformed_frame"


class OutOfTurn(PeersFault):
    """A well-formed message at a moment when it may not be said."""

    code = "out_of_turn"


class TooFast(PeersFault):
    """More messages per second than a peer of this kind may send."""

    code = "too_fast"


class TooSlow(PeersFault):
    """The peer said nothing for longer than it may, or does not read what it asked for."""

    code = "too_slow"


class NotAuthentic(PeersFault):
    """The peer could not prove who it is: wrong cluster secret, forged or foreign token."""

    code = "not_authentic"


class TicketRefused(PeersFault):
    """A ticket that is forged, expired, for another server, or already used by somebody else."""

    code = "ticket_refused"


class OtherGame(PeersFault):
    """A game server of another game than this fleet plays."""

    code = "other_game"


class HandshakeFailed(PeersFault):
    """No TLS connection came about, or it broke. The text says why."""

    code = "handshake_failed"


class NotTrusted(PeersFault):
    """The other side's certificate proves nothing: of another name, expired, or of an authority
    that is not trusted here."""

    code = "not_trusted"


class Crowded(PeersFault):
    """Too many connections or joins come from one address, or from all addresses together."""

    code = "crowded"


class LoginRefused(PeersFault):
    """A token of the game's own backend that is not good here. `why` is one of a few words."""

    code = "login_refused"

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


class LoginRequired(PeersFault):
    """Nobody may come without a login, and none was shown, or none that is recent enough."""

    code = "login_required"


class LoginLater(PeersFault):
    """Whether a login is good cannot be told now: its keys are not here. It is nobody's fault."""

    code = "login_later"


class BadName(PeersFault):
    """A name that nobody may have here. The text says what is allowed."""

    code = "bad_name"

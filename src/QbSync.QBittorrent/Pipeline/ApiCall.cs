using System.Net;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>What a call costs the client: each kind has its own slots and its own time.</summary>
internal enum CallCost
{
    Light,
    Heavy,

    /// <summary>A login, which the client's own time bounds and not the user's patience.</summary>
    Login,
}

/// <summary>Whether a call may be sent again when its answer was lost.</summary>
internal enum CallRepeat
{
    /// <summary>Blindly.</summary>
    Yes,

    /// <summary>Only a read tells what became of it, so only when no byte was sent.</summary>
    Look,
}

/// <summary>What goes over the wire: a path below <c>api/v2/</c> and, for a POST, a body of known length.</summary>
internal readonly record struct ApiRequest(string Path, ReadOnlyMemory<byte>? Body = null, string? ContentType = null)
{
    /// <summary>Sent without credentials.</summary>
    public bool IsAnonymous { get; init; }
}

/// <summary>Reads an answer whose status the call accepts; throws <see cref="System.Text.Json.JsonException"/> when it cannot.</summary>
internal delegate T AnswerParser<out T>(HttpStatusCode status, ReadOnlyMemory<byte> body);

/// <summary>One logical call, described once: the pipeline knows nothing else of endpoints.</summary>
internal sealed record ApiCall<T>(ApiOperation Operation, Func<WebApiProfile, ApiRequest> Request, AnswerParser<T> Parse)
{
    public CallCost Cost { get; init; } = CallCost.Light;

    public CallRepeat Repeat { get; init; } = CallRepeat.Yes;

    /// <summary>Whether a torrent is named, so that 404 is about the torrent and not about the endpoint.</summary>
    public bool NamesTorrent { get; init; }

    /// <summary>Whether the answer grows with the client's content.</summary>
    public bool LongAnswer { get; init; }

    /// <summary>For an answer that is read as it comes, a parser for each attempt; <see cref="Parse"/> is not asked then.</summary>
    public Func<StreamParser<T>>? NewParser { get; init; }

    /// <summary>Whether the client answers 403 for a folder that it may not write to, not only for a login that ended.</summary>
    public bool NamesFolder { get; init; }

    /// <summary>Statuses besides 2xx that are an answer and no fault.</summary>
    public IReadOnlyList<HttpStatusCode> AlsoAccepted { get; init; } = [];
}

/// <summary>What happened to one logical call so far. Owned by the call; not shared.</summary>
internal sealed class CallProgress
{
    /// <summary>HTTP attempts begun, those after a new login included.</summary>
    public int Attempts { get; set; }

    /// <summary>Times that the breaker let it pass: one, and each retry.</summary>
    public int Rounds { get; set; }

    /// <summary>Whether the request may have reached the client in the last attempt.</summary>
    public bool MayHaveArrived { get; set; }

    /// <summary>What the attempt that succeeded took, from its first byte sent to its answer read: neither slots nor pauses.</summary>
    public TimeSpan Took { get; set; }
}

/// <summary>A stage that a call passes. There is one chain of them for all endpoints.</summary>
internal interface IApiPipeline
{
    ValueTask<T> SendAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken);
}

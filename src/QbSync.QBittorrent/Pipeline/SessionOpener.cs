using System.Net;
using Microsoft.Extensions.Logging;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>
/// Finds out what is at the address, logs in if it wants that, and asks what it is: at most six calls. The version is asked before the
/// login and after it, since that order tells apart what one status mixes. Used by one caller at a time.
/// </summary>
internal sealed partial class SessionOpener(
    HttpExchange http, QBittorrentOptions options, LoginLedger ledger, QBittorrentMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan IsolatedFor = TimeSpan.FromMinutes(5), LongestForbidden = TimeSpan.FromMinutes(10);
    private static readonly WebApiProfile Unknown = new(WebApiProfile.Measured);

    private static readonly HttpStatusCode[] ProbeAnswers = [HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden];

    private TimeSpan _forbiddenFor = TimeSpan.FromMinutes(1);
    private bool _warnedOfVersion;

    /// <summary>A session without generation and epoch, which its keeper knows.</summary>
    public async Task<ClientSession> OpenAsync(CancellationToken cancellationToken)
    {
        var version = await ProbeAsync(cancellationToken).ConfigureAwait(false);
        if (version is null)
        {
            await LogInAsync(cancellationToken).ConfigureAwait(false);
            version = await ProbeAsync(cancellationToken).ConfigureAwait(false) ?? throw CookieLost();
            _forbiddenFor = TimeSpan.FromMinutes(1);
        }

        var profile = new WebApiProfile(version.Value);
        if (profile.IsNewerThanMeasured && !_warnedOfVersion)
        {
            _warnedOfVersion = true;
            Log.NewerThanMeasured(logger, version.Value.ToString(), WebApiProfile.Measured.ToString());
        }

        var product = await AskAsync(ApiCalls.GetVersion, cancellationToken).ConfigureAwait(false);
        var build = await AskAsync(ApiCalls.GetBuildInfo, cancellationToken).ConfigureAwait(false);
        var preferences = await AskAsync(ApiCalls.GetAppPreferences, cancellationToken).ConfigureAwait(false);
        return new ClientSession(0, 0, profile, product.TrimStart('v'), build.Libtorrent ?? "", preferences);
    }

    // Null: it wants a login.
    private async Task<WebApiVersion?> ProbeAsync(CancellationToken cancellationToken)
    {
        var call = new ApiCall<(HttpStatusCode Status, string Text)>(
            ApiOperation.GetWebApiVersion,
            static _ => new ApiRequest("app/webapiVersion"),
            static (status, body) => (status, AnswerReader.ReadText(body)))
        {
            AlsoAccepted = ProbeAnswers,
        };
        var answer = await AskAsync(call, cancellationToken).ConfigureAwait(false);
        return answer.Status switch
        {
            HttpStatusCode.Forbidden when options.Username is null => throw Refuse(
                ClientFault.Unauthorized, $"qBittorrent at {http.Url} wants a login: set qb-username and qb-password.", IsolatedFor),
            HttpStatusCode.Forbidden => null,
            HttpStatusCode.Unauthorized => throw Refuse(
                ClientFault.HostRefused,
                ApiErrorMapping.Describe(ClientFault.HostRefused, call.Operation, http.Url, "status 401"),
                IsolatedFor),
            _ when WebApiVersion.TryParse(answer.Text, out var version) => version,
            _ => throw Refuse(
                ClientFault.NotAWebApi,
                ApiErrorMapping.Describe(ClientFault.NotAWebApi, call.Operation, http.Url, "app/webapiVersion is no version"),
                IsolatedFor),
        };
    }

    private async Task LogInAsync(CancellationToken cancellationToken)
    {
        if (!ledger.MayTry(time.GetUtcNow(), out var wait))
        {
            throw Refuse(ClientFault.Unauthorized, Refusal() + NextTry(wait), wait);
        }

        var call = new ApiCall<LoginAnswer>(
            ApiOperation.Login,
            _ => new ApiRequest(
                "auth/login",
                FormContent.Encode(("username", options.Username!), ("password", options.Password ?? "")),
                FormContent.FormType),
            static (status, body) => status switch
            {
                HttpStatusCode.Forbidden => LoginAnswer.Banned,
                HttpStatusCode.Unauthorized => LoginAnswer.Refused,
                _ => body.Span.SequenceEqual("Fails."u8) ? LoginAnswer.Refused : LoginAnswer.Accepted,
            })
        {
            AlsoAccepted = ProbeAnswers,
        };
        switch (await AskAsync(call, cancellationToken).ConfigureAwait(false))
        {
            case LoginAnswer.Accepted:
                ledger.Accepted();
                break;
            case LoginAnswer.Refused:
                wait = ledger.Refused(time.GetUtcNow());
                Log.LoginRefused(logger, http.Url, options.Username!, NextTry(wait));
                throw Refuse(ClientFault.Unauthorized, Refusal() + NextTry(wait), wait);
            case LoginAnswer.Banned:
                wait = ledger.Banned(time.GetUtcNow());
                Log.LoginBanned(logger, http.Url, NextTry(wait));
                throw Refuse(
                    ClientFault.Banned, $"qBittorrent at {http.Url} has banned this address for wrong logins. {NextTry(wait)}", wait);
        }
    }

    private async Task<T> AskAsync<T>(ApiCall<T> call, CancellationToken cancellationToken)
    {
        var progress = new CallProgress();
        var startedAt = time.GetTimestamp();
        try
        {
            return await http.SendAsync(call, call.Request(Unknown), progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            metrics.CallEnded(call.Operation, startedAt);
        }
    }

    private TorrentClientException CookieLost()
    {
        var wait = _forbiddenFor;
        _forbiddenFor = _forbiddenFor * 2 < LongestForbidden ? _forbiddenFor * 2 : LongestForbidden;
        var message = ApiErrorMapping.Describe(ClientFault.Forbidden, ApiOperation.GetWebApiVersion, http.Url, "");
        return Refuse(ClientFault.Forbidden, message, wait);
    }

    private string Refusal() => $"qBittorrent at {http.Url} refused the login of '{options.Username}': check qb-username and qb-password. ";

    private static string NextTry(TimeSpan? wait) =>
        wait is { } time ? $"Next try in {Math.Ceiling(time.TotalMinutes):0} min." : "No further try until it is started again.";

    private static TorrentClientException Refuse(ClientFault fault, string message, TimeSpan? wait) =>
        new(fault, nameof(ApiOperation.Login), message, null, wait);

    private enum LoginAnswer
    {
        Accepted,
        Refused,
        Banned,
    }
}

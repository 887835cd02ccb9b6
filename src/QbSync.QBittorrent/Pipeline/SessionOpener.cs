using System.Net;
using Microsoft.Extensions.Logging;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>
/// Finds out what is at the address, logs in if it wants that, and asks what it is: at most six calls. The version is asked before the
/// login and after it, since that order tells apart what one status mixes. Used by one caller at a time, but for <see cref="LookAsync"/>.
/// </summary>
internal sealed partial class SessionOpener(
    HttpExchange http, CredentialsInUse inUse, LoginLedger ledger, QBittorrentMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan IsolatedFor = TimeSpan.FromMinutes(5);
    private static readonly WebApiProfile Unknown = new(WebApiProfile.Measured);
    private static readonly HttpStatusCode[] ProbeAnswers = [HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden];

    private static readonly ApiCall<(HttpStatusCode Status, string Text)> Probe = new(
        ApiOperation.GetWebApiVersion,
        static _ => new ApiRequest("app/webapiVersion"),
        static (status, body) => (status, AnswerReader.ReadText(body)))
    {
        AlsoAccepted = ProbeAnswers,
    };

    private bool _warnedOfVersion;

    /// <summary>A session without generation and epoch, which its keeper knows.</summary>
    public async Task<ClientSession> OpenAsync(CancellationToken cancellationToken)
    {
        await ledger.LoadAsync(time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var credentials = inUse.Current;
            try
            {
                return await OpenAsync(credentials, inUse.TakeCause(), cancellationToken).ConfigureAwait(false);
            }
            catch (TorrentClientException failure) when (FaultKinds.Isolates(failure.Fault) && inUse.Current != credentials)
            {
                // Others came meanwhile, and what the old ones met says nothing about them.
            }
        }
    }

    private async Task<ClientSession> OpenAsync(QBittorrentCredentials credentials, LoginCause cause, CancellationToken cancellationToken)
    {
        if (credentials.BasicAuth is not null)
        {
            // From 5.2 on the client itself may refuse it, which counts as a wrong login does.
            CheckLedger(credentials, cause);
        }

        var version = await ProbeAsync(credentials, cancellationToken).ConfigureAwait(false);
        if (version is null)
        {
            await LogInAsync(credentials, cause, cancellationToken).ConfigureAwait(false);
            version = await ProbeAsync(credentials, cancellationToken).ConfigureAwait(false) ?? throw CookieLost();
            _forbiddenFor = LeastForbidden;
        }

        if (credentials.BasicAuth is not null)
        {
            await ledger.AcceptedAsync(credentials).ConfigureAwait(false);
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

    /// <summary>
    /// Looks who is there, without saying who we are, so that nothing can be counted against us: true when a WebAPI lets everybody in, false when
    /// something else answers, null when nobody does.
    /// </summary>
    public async Task<bool?> LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var look = Probe with { Request = static _ => new ApiRequest("app/webapiVersion") { IsAnonymous = true } };
            var (status, text) = await AskAsync(look, cancellationToken).ConfigureAwait(false);
            return status == HttpStatusCode.OK && WebApiVersion.TryParse(text, out _);
        }
        catch (TorrentClientException failure)
        {
            return failure.Fault == ClientFault.Unreachable ? null : false;
        }
    }

    // Null: it wants a login.
    private async Task<WebApiVersion?> ProbeAsync(QBittorrentCredentials credentials, CancellationToken cancellationToken)
    {
        var (status, text) = await AskAsync(Probe, cancellationToken).ConfigureAwait(false);
        return status switch
        {
            HttpStatusCode.Forbidden when credentials.Username is not null => null,
            HttpStatusCode.Forbidden => throw Refuse(ClientFault.Unauthorized, LacksLogin(credentials), IsolatedFor),
            HttpStatusCode.Unauthorized when credentials.BasicAuth is not null => throw await BasicRefusedAsync(credentials, cancellationToken).ConfigureAwait(false),
            HttpStatusCode.Unauthorized => throw Refuse(
                ClientFault.HostRefused,
                ApiErrorMapping.Describe(ClientFault.HostRefused, Probe.Operation, http.Url, "status 401"),
                IsolatedFor),
            _ when WebApiVersion.TryParse(text, out var version) => version,
            _ => throw Refuse(
                ClientFault.NotAWebApi,
                ApiErrorMapping.Describe(ClientFault.NotAWebApi, Probe.Operation, http.Url, "app/webapiVersion is no version"),
                IsolatedFor),
        };
    }

    private async Task<T> AskAsync<T>(ApiCall<T> call, CancellationToken cancellationToken, CallProgress? progress = null)
    {
        var startedAt = time.GetTimestamp();
        try
        {
            return await http.SendAsync(call, call.Request(Unknown), progress ?? new CallProgress(), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            metrics.CallEnded(call.Operation, startedAt);
        }
    }
}

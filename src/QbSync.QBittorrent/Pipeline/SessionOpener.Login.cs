using System.Net;
using QbSync.QBittorrent.Http;

namespace QbSync.QBittorrent.Pipeline;

internal sealed partial class SessionOpener
{
    private static readonly TimeSpan LeastForbidden = TimeSpan.FromMinutes(1), LongestForbidden = TimeSpan.FromMinutes(10);

    private TimeSpan _forbiddenFor = LeastForbidden;

    private enum LoginAnswer
    {
        Accepted,
        Refused,
        Banned,
    }

    private async Task LogInAsync(QBittorrentCredentials credentials, LoginCause cause, CancellationToken cancellationToken)
    {
        CheckLedger(credentials, cause);
        var call = new ApiCall<LoginAnswer>(
            ApiOperation.Login,
            _ => new ApiRequest(
                "auth/login",
                FormContent.Encode(("username", credentials.Username!), ("password", credentials.Password!)),
                FormContent.FormType),
            static (status, body) => status switch
            {
                HttpStatusCode.Forbidden => LoginAnswer.Banned,
                HttpStatusCode.Unauthorized => LoginAnswer.Refused,
                _ => body.Span.SequenceEqual("Fails."u8) ? LoginAnswer.Refused : LoginAnswer.Accepted,
            })
        {
            Cost = CallCost.Login,
            AlsoAccepted = ProbeAnswers,
        };
        await ledger.BeginAsync(time.GetUtcNow(), credentials, cancellationToken).ConfigureAwait(false);
        var progress = new CallProgress();
        LoginAnswer answer;
        try
        {
            answer = await AskAsync(call, cancellationToken, progress).ConfigureAwait(false);
        }
        catch (TorrentClientException failure) when (!progress.MayHaveArrived || !FaultKinds.Trips(failure.Fault))
        {
            await ledger.NeverArrivedAsync().ConfigureAwait(false);
            throw;
        }

        TimeSpan? wait;
        switch (answer)
        {
            case LoginAnswer.Accepted:
                await ledger.AcceptedAsync(credentials).ConfigureAwait(false);
                break;
            case LoginAnswer.Refused:
                wait = await ledger.FailedAsync(time.GetUtcNow(), credentials, LoginEnd.Refused).ConfigureAwait(false);
                Log.LoginRefused(logger, http.Url, credentials.Username!, NextTry(wait));
                throw Refuse(ClientFault.Unauthorized, Refusal(credentials) + NextTry(wait), wait);
            case LoginAnswer.Banned:
                wait = await ledger.FailedAsync(time.GetUtcNow(), credentials, LoginEnd.Banned).ConfigureAwait(false);
                Log.LoginBanned(logger, http.Url, NextTry(wait));
                throw Refuse(
                    ClientFault.Banned, $"qBittorrent at {http.Url} has banned this address for wrong logins. {NextTry(wait)}", wait);
        }
    }

    private async Task<TorrentClientException> BasicRefusedAsync(QBittorrentCredentials credentials, CancellationToken cancellationToken)
    {
        await ledger.BeginAsync(time.GetUtcNow(), credentials, cancellationToken).ConfigureAwait(false);
        var wait = await ledger.FailedAsync(time.GetUtcNow(), credentials, LoginEnd.Refused).ConfigureAwait(false);
        Log.BasicRefused(logger, http.Url, NextTry(wait));
        return Refuse(ClientFault.Unauthorized, $"{http.Url} refused qb-basic-auth: check its user and password. {NextTry(wait)}", wait);
    }

    private void CheckLedger(QBittorrentCredentials credentials, LoginCause cause)
    {
        if (!ledger.MayTry(time.GetUtcNow(), credentials, cause, out var wait))
        {
            throw Refuse(ClientFault.Unauthorized, Refusal(credentials) + NextTry(wait), wait);
        }
    }

    private TorrentClientException CookieLost()
    {
        var wait = _forbiddenFor;
        _forbiddenFor = _forbiddenFor * 2 < LongestForbidden ? _forbiddenFor * 2 : LongestForbidden;
        var message = ApiErrorMapping.Describe(ClientFault.Forbidden, ApiOperation.GetWebApiVersion, http.Url, "");
        return Refuse(ClientFault.Forbidden, message, wait);
    }

    private string LacksLogin(QBittorrentCredentials credentials) => credentials.ApiKey is null
        ? $"qBittorrent at {http.Url} wants a login: set qb-username and qb-password, or qb-api-key."
        : $"qBittorrent at {http.Url} refused qb-api-key: the key is wrong, or the client is older than 5.2 (WebAPI 2.14.1) and knows none.";

    private string Refusal(QBittorrentCredentials credentials)
    {
        var check = credentials.BasicAuth is null ? "qb-username and qb-password" : credentials.Username is null ? "qb-basic-auth" : "qb-basic-auth, qb-username and qb-password";
        return $"qBittorrent at {http.Url} refused the login{(credentials.Username is { } user ? $" of '{user}'" : "")}: check {check}. ";
    }

    private static string NextTry(TimeSpan? wait) => wait is { } time
        ? $"Next try in {Math.Ceiling(time.TotalMinutes):0} min."
        : "No further try until the credentials change or qBittorrent is started again.";

    private static TorrentClientException Refuse(ClientFault fault, string message, TimeSpan? wait) =>
        new(fault, nameof(ApiOperation.Login), message, null, wait);
}

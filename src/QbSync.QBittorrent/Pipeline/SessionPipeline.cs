using System.Net;
using Microsoft.Extensions.Logging;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>
/// Sees to it that calls go out logged in. Opening is single flight: all callers get its outcome, and none of them can cancel it for the
/// others. A call that is forbidden drops the session it was sent in and is sent once more in the next one.
/// </summary>
internal sealed partial class SessionPipeline : IApiPipeline, IAsyncDisposable
{
    private readonly HttpExchange _http;
    private readonly SessionOpener _opener;
    private readonly CredentialsInUse _credentials;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private ClientSession? _session, _last;
    private Task<ClientSession>? _opening;
    private bool _away;
    private int _doubts;

    public SessionPipeline(HttpExchange http, SessionOpener opener, CredentialsInUse credentials, ILogger logger)
    {
        _http = http;
        _credentials = credentials;
        _opener = opener;
        _logger = logger;
        http.Refused += OnRefused;
    }

    /// <summary>The session in use, if there is one.</summary>
    public ClientSession? Current
    {
        get
        {
            lock (_gate)
            {
                return _session;
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask<T> SendAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken)
    {
        progress.MayHaveArrived = false;
        var session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await SendInAsync(call, session, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException failure) when (failure.Fault == ClientFault.Forbidden)
        {
            Log.SessionEnded(_logger, session.Generation);
            Drop(session);
        }

        progress.MayHaveArrived = false;
        session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await SendInAsync(call, session, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException failure) when (failure.Fault == ClientFault.Forbidden && call.NamesFolder)
        {
            // Right after a login that held, so it is the folder.
            throw new TorrentClientException(
                ClientFault.Conflict, call.Operation.ToString(), $"qBittorrent at {_http.Url} may not write to the folder of {call.Operation}.", failure);
        }
    }

    /// <summary>The session in use, or a new one.</summary>
    public Task<ClientSession> OpenAsync(CancellationToken cancellationToken)
    {
        Task<ClientSession> opening;
        lock (_gate)
        {
            if (_session is { } session)
            {
                return Task.FromResult(session);
            }

            opening = _opening ??= Task.Run(() => OpenCoreAsync(_end.Token), CancellationToken.None);
        }

        return opening.WaitAsync(cancellationToken);
    }

    /// <summary>Asks everything anew before the next call; null means whichever session is in use.</summary>
    public void Drop(ClientSession? session)
    {
        lock (_gate)
        {
            if (session is null || _session?.Generation == session.Generation)
            {
                _session = null;
            }

            // What an opening under way was told may be from before this.
            _doubts += session is null ? 1 : 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Refused -= OnRefused;
        await _end.CancelAsync().ConfigureAwait(false);
        Task? opening;
        lock (_gate)
        {
            opening = _opening;
        }

        if (opening is not null)
        {
            await opening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _end.Dispose();
    }

    private async ValueTask<T> SendInAsync<T>(
        ApiCall<T> call, ClientSession session, CallProgress progress, CancellationToken cancellationToken)
    {
        var request = RequestFor(call, session);
        try
        {
            return await _http.SendAsync(call, request, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException failure) when (failure is { Fault: ClientFault.Unsupported, Status: (int)HttpStatusCode.NotFound }
            && IsLacking(call, session, request, out var profile, out var other))
        {
            // It was not served, so what is asked instead is the first that is. Only what was served proves that the other is lacking, and not
            // that something in between answers for a client that is away.
            var value = await _http.SendAsync(call, other, progress, cancellationToken).ConfigureAwait(false);
            Replace(session, profile, request, other);
            return value;
        }
    }

    /// <summary>Whether another endpoint serves the call where this one is lacking.</summary>
    private static bool IsLacking<T>(
        ApiCall<T> call, ClientSession session, ApiRequest request, out WebApiProfile profile, out ApiRequest other)
    {
        profile = session.Profile.Without(request.Path);
        other = call.Request(profile);
        return other.Path != request.Path;
    }

    private void Replace(ClientSession session, WebApiProfile profile, ApiRequest request, ApiRequest other)
    {
        lock (_gate)
        {
            if (_session?.Generation != session.Generation)
            {
                return;
            }

            _session = _last = _session with { Profile = profile };
        }

        Log.EndpointLacking(_logger, session.Version, session.Profile.Version.ToString(), _http.Url, request.Path, other.Path);
    }

    private async Task<ClientSession> OpenCoreAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                ClientSession? last;
                int doubts;
                lock (_gate)
                {
                    (last, doubts) = (_last, _doubts);
                }

                var found = await _opener.OpenAsync(cancellationToken).ConfigureAwait(false);
                bool changed;
                lock (_gate)
                {
                    if (_doubts != doubts)
                    {
                        // Meanwhile nobody listened there, or somebody wants everything asked anew: who told us this may be gone.
                        continue;
                    }

                    changed = last is null || _away || !found.IsAlike(last);
                    found = found with { Generation = (last?.Generation ?? 0) + 1, Epoch = (last?.Epoch ?? 0) + (changed ? 1 : 0) };
                    _away = false;
                    _session = _last = found;
                    _opening = null;
                }

                if (changed)
                {
                    Log.Connected(_logger, found.Version, found.Profile.Version.ToString(), _http.Url);
                }

                return found;
            }
        }
        catch
        {
            lock (_gate)
            {
                _opening = null;
            }

            throw;
        }
    }

    private ApiRequest RequestFor<T>(ApiCall<T> call, ClientSession session) => !session.Profile.IsSupported
        ? throw new TorrentClientException(
            ClientFault.Unsupported,
            call.Operation.ToString(),
            $"qBittorrent {session.Version} at {_http.Url} has WebAPI {session.Profile.Version}; "
                + $"at least {WebApiProfile.Floor} (qBittorrent 4.2.0) is needed.")
        : call.Request(session.Profile);

    // Nobody listened: who answers next may be another version, so it is asked again even if the login still holds.
    private void OnRefused()
    {
        _credentials.Note(LoginCause.Restarted);
        lock (_gate)
        {
            _away = _last is not null;
            _session = null;
            _doubts++;
        }
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Polly.Timeout;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent.Http;

/// <summary>One request and its answer, within an attempt's time. Thread-safe.</summary>
internal sealed class HttpExchange(
    HttpMessageInvoker invoker, Uri url, QBittorrentOptions options, CredentialsInUse credentials, TlsTrust? trust, QBittorrentMetrics metrics, RecentLatency latency,
    TimeProvider time)
{
    private const int ShortAnswer = 1024 * 1024;
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(60), IsolatedFor = TimeSpan.FromMinutes(5);

    private readonly AttemptTime _attempt = new(options.Timeout, time);

    /// <summary>Tells that nobody listens at the address, so that whoever does next may be another client.</summary>
    public event Action? Refused;

    public Uri Url => url;

    /// <exception cref="TorrentClientException">Any fault; of a change whose answer was lost <see cref="ClientFault.OutcomeUnknown"/>.</exception>
    public async ValueTask<T> SendAsync<T>(
        ApiCall<T> call, ApiRequest request, CallProgress progress, CancellationToken cancellationToken)
    {
        if (progress.Attempts++ == 0)
        {
            metrics.CallStarted(call.Operation);
        }

        progress.MayHaveArrived = true;
        var startedAt = time.GetTimestamp();
        try
        {
            var value = await _attempt.RunAsync(
                call.Cost,
                static (state, token) => state.Exchange.ExchangeAsync(state.Call, state.Request, token),
                (Exchange: this, Call: call, Request: request),
                cancellationToken).ConfigureAwait(false);
            progress.Took = time.GetElapsedTime(startedAt);
            if (call.Cost == CallCost.Light && request.Body is null && call.Operation != ApiOperation.GetMainData)
            {
                latency.Add(progress.Took);
            }

            return value;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (TimeoutRejectedException exception)
        {
            throw Fault(call, progress, ClientFault.Timeout, $"{exception.Timeout.TotalSeconds:0} s");
        }
        catch (OperationCanceledException)
        {
            // The handler's own limit for connecting.
            progress.MayHaveArrived = false;
            throw Fault(call, progress, ClientFault.Unreachable, "connecting took too long");
        }
        catch (HttpRequestException exception)
        {
            var fault = ApiErrorMapping.OfConnection(exception, out var mayHaveArrived);
            progress.MayHaveArrived = mayHaveArrived;
            if (exception is { HttpRequestError: HttpRequestError.ConnectionError, InnerException: not SocketException { SocketErrorCode: not SocketError.ConnectionRefused } })
            {
                Refused?.Invoke();
            }

            throw Fault(call, progress, fault, ConnectionFaults.Describe(exception, trust), ConnectionFaults.SafeCause(exception));
        }
        catch (IOException)
        {
            throw Fault(call, progress, ClientFault.BrokenAnswer, "an answer that was cut off");
        }
        catch (JsonException exception)
        {
            // Neither its message nor its path: they may hold what the client sent, which may be secret.
            throw Fault(call, progress, ClientFault.BrokenAnswer, $"an answer that cannot be read (line {exception.LineNumber}, byte {exception.BytePositionInLine})");
        }
        catch (InvalidDataException)
        {
            throw Fault(call, progress, ClientFault.BrokenAnswer, "an answer that is too long, or not what its headers say");
        }
        finally
        {
            // Where sockets complete inline this runs on the thread that serves them; a caller that blocks or writes files must not hold it.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
    }

    private async ValueTask<T> ExchangeAsync<T>(ApiCall<T> call, ApiRequest request, CancellationToken cancellationToken)
    {
        using var message = Build(request);
        using var response = await invoker.SendAsync(message, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(call, response, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<T> ReadAsync<T>(ApiCall<T> call, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode && !call.AlsoAccepted.Contains(response.StatusCode))
        {
            var fault = ApiErrorMapping.OfStatus(response.StatusCode, call.Operation, call.NamesTorrent);
            if (fault == ClientFault.HostRefused && credentials.Current.BasicAuth is not null)
            {
                fault = ClientFault.Unauthorized;
            }

            var detail = fault == ClientFault.Redirected ? Target(response.Headers.Location) : $"status {(int)response.StatusCode}";
            throw Fault(call, new CallProgress { MayHaveArrived = true }, fault, detail, null, RetryAfter(fault, response), (int)response.StatusCode);
        }

        var limit = call.LongAnswer ? options.MaxAnswerBytes : ShortAnswer;
        if (response.Content.Headers.ContentLength > limit)
        {
            throw new InvalidDataException($"The answer is longer than {limit} bytes.");
        }

        if (call.NewParser is { } newParser)
        {
            using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return await StreamedAnswer.ReadAsync(stream, newParser(), limit, cancellationToken).ConfigureAwait(false);
        }

        using var body = await AnswerBody.ReadAsync(response.Content, limit, cancellationToken).ConfigureAwait(false);
        return call.Parse(response.StatusCode, body.Bytes);
    }

    private TorrentClientException Fault<T>(
        ApiCall<T> call, CallProgress progress, ClientFault fault, string detail, Exception? cause = null, TimeSpan? retryAfter = null, int? status = null)
    {
        if (retryAfter is null && FaultKinds.Isolates(fault))
        {
            retryAfter = IsolatedFor;
        }

        var message = ApiErrorMapping.Describe(fault, call.Operation, url, detail);
        var lost = fault is ClientFault.Unreachable or ClientFault.Timeout or ClientFault.ServerError or ClientFault.BrokenAnswer;
        return call.Repeat == CallRepeat.Look && progress.MayHaveArrived && lost
            ? new TorrentClientException(
                ClientFault.OutcomeUnknown, call.Operation.ToString(), $"{message} Whether it was done is not known.", cause, status: status)
            : new TorrentClientException(fault, call.Operation.ToString(), message, cause, retryAfter, status);
    }

    private TimeSpan? RetryAfter(ClientFault fault, HttpResponseMessage response)
    {
        if (fault != ClientFault.Busy)
        {
            return null;
        }

        RetryConditionHeaderValue? header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is { } asked && asked > TimeSpan.Zero && asked <= LongestRetryAfter ? asked : null;
    }

    // Where it leads, without what may be a secret in it.
    private string Target(Uri? location) => location is null ? "nowhere"
        : new Uri(url, location).GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    private HttpRequestMessage Build(ApiRequest request)
    {
        var method = request.Body is null ? HttpMethod.Get : HttpMethod.Post;
        var message = new HttpRequestMessage(method, new Uri(url, "api/v2/" + request.Path))
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        message.Headers.TryAddWithoutValidation("User-Agent", UserAgent.Value);
        if (!request.IsAnonymous && credentials.Current.Authorization is { } authorization)
        {
            message.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        if (request.Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }

        return message;
    }
}

using System.Globalization;
using System.Net.Http.Headers;
using QbSync.Host.Notifications.Presets;

namespace QbSync.Host.Notifications;

/// <summary>Tells a receiver once over HTTP. Follows nobody elsewhere, keeps no cookie, and reads nothing but the answer's head. Thread-safe.</summary>
internal sealed class WebhookSender : IDisposable
{
    /// <summary>Longest time of one try.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    public WebhookSender(TimeProvider time)
    {
        _time = time;
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseHeadersLength = 16,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // each try has its own, by our clock
        };
    }

    /// <summary>One try.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<TryOutcome> SendAsync(Webhook webhook, Notification told, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = MakeRequest(webhook, told);
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var wish = answer.Headers.TryGetValues("Retry-After", out var values) ? values.FirstOrDefault() : null;
            return new TryOutcome(
                answer.StatusCode,
                RetryRule.ReadRetryAfter(wish, _time.GetUtcNow()),
                answer.IsSuccessStatusCode ? "" : string.Create(CultureInfo.InvariantCulture, $"it answers {(int)answer.StatusCode}"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new TryOutcome(null, null, $"no answer within {Patience.TotalSeconds} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new TryOutcome(null, null, e.GetBaseException().Message);
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage MakeRequest(Webhook webhook, Notification told)
    {
        var made = WebhookBodies.Make(webhook, told);
        var request = new HttpRequestMessage(HttpMethod.Post, made.Url) { Content = new ByteArrayContent(made.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        request.Headers.TryAddWithoutValidation("User-Agent", "QbSync/" + told.Version);
        foreach (var (name, value) in made.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (webhook.Preset == Preset.Generic)
        {
            // By the wall clock of this try: a receiver refuses what is too old.
            var timestamp = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            request.Headers.Add("X-QbSync-Event", told.EventName);
            request.Headers.Add("X-QbSync-Delivery", told.Id);
            request.Headers.Add("X-QbSync-Timestamp", timestamp);
            if (webhook.Secret.Length > 0)
            {
                request.Headers.Add("X-QbSync-Signature", WebhookSigner.Sign(webhook.Secret, timestamp, made.Body));
            }
        }

        return request;
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using QbSync.Host.Endpoints;
using QbSync.Host.Reporting;

namespace QbSync.Host.Commands.Control;

/// <summary>Asks a running role, over its control socket or its address. Nothing is kept between two questions, so it finds a role that was started anew.</summary>
internal sealed class StatusClient : IDisposable
{
    private const int MostBytes = 64 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongPatience = TimeSpan.FromMinutes(5);
    private readonly HttpClient _http;

    private StatusClient(HttpMessageHandler handler, Uri address) =>
        _http = new HttpClient(handler) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostBytes };

    public static StatusClient OverSocket(string path) => new(
        new SocketsHttpHandler { ConnectCallback = (_, token) => ControlSocket.ConnectAsync(path, token), UseProxy = false, AllowAutoRedirect = false },
        new Uri("http://localhost/"));

    public static StatusClient OverTcp(Uri address, string? token)
    {
        var client = new StatusClient(new SocketsHttpHandler { AllowAutoRedirect = false }, address);
        client._http.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>The status, as it was sent.</summary>
    /// <exception cref="CommandFailure">It does not answer, or refuses.</exception>
    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var (code, body) = await SendAsync(HttpMethod.Get, "api/v1/status", cancellationToken);
        return code == HttpStatusCode.OK ? body : throw new CommandFailure(Refusal(code, body));
    }

    /// <summary>The status as this program knows it.</summary>
    /// <exception cref="CommandFailure">What came is none.</exception>
    public static StatusDocument Parse(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, StatusJson.Default.StatusDocument) ?? throw new CommandFailure("The answer is no status.");
        }
        catch (JsonException error)
        {
            throw new CommandFailure($"The answer is no status: {error.Message}");
        }
    }

    /// <summary>Whether livez or readyz says yes; a role that does not answer does not.</summary>
    public async Task<bool> ProbeAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await SendAsync(HttpMethod.Get, name, cancellationToken)).Code == HttpStatusCode.OK;
        }
        catch (CommandFailure)
        {
            return false;
        }
    }

    /// <summary>Asks for what has to be made first, by asking others.</summary>
    /// <exception cref="CommandFailure">It does not answer.</exception>
    public Task<(HttpStatusCode Code, byte[] Body)> GetSlowAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, cancellationToken, LongPatience);

    /// <summary>Asks for something to be done.</summary>
    /// <exception cref="CommandFailure">It does not answer.</exception>
    public Task<(HttpStatusCode Code, byte[] Body)> PostAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, cancellationToken);

    /// <summary>What it says, when it says no.</summary>
    public static string Refusal(HttpStatusCode code, byte[] body) => $"It answers {(int)code}: {ShownText.Mask(System.Text.Encoding.UTF8.GetString(body))}";

    public void Dispose() => _http.Dispose();

    private async Task<(HttpStatusCode Code, byte[] Body)> SendAsync(HttpMethod method, string path, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ends.CancelAfter(patience ?? Patience);
        try
        {
            using var request = new HttpRequestMessage(method, path);
            using var answer = await _http.SendAsync(request, ends.Token);
            return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(ends.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailure($"It does not answer: nothing came for {(patience ?? Patience).TotalSeconds:0} s.");
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new CommandFailure($"It does not answer: {error.Message}");
        }
    }
}

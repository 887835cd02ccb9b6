using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>Whom the plan is played on: a running client or what stands in for one.</summary>
/// <param name="Handler">How requests are sent: without cookies, redirects or decompression of its own. Owned by the player.</param>
/// <param name="Url">Base of the WebAPI.</param>
/// <param name="Folder">Save path, as both see it; empty at first.</param>
/// <param name="Ticks">Lets that many of its refresh intervals pass.</param>
internal sealed record PlanTarget(
    HttpMessageHandler Handler, Uri Url, string Folder, string Username, string Password, Func<int, CancellationToken, Task> Ticks);

/// <summary>Plays the plan and writes down what was answered. For one use.</summary>
internal sealed class RequestPlayer(PlanTarget target) : IDisposable
{
    private const int MostLooks = 600;

    private readonly HttpMessageInvoker _http = new(target.Handler);
    private readonly PlanTorrents _torrents = new();
    private readonly Dictionary<string, string> _marks = [];
    private string _cookie = "", _lastCookie = "";

    /// <summary>The API key that the client made, if it did.</summary>
    public string? Key { get; private set; }

    public async Task<IReadOnlyList<Exchange>> PlayAsync(bool idsByV2, CancellationToken cancellationToken)
    {
        foreach (var (mark, id) in _torrents.Ids(idsByV2))
        {
            _marks[mark] = id;
        }

        _marks["{rid}"] = "0";
        List<Exchange> exchanges = [];
        foreach (var step in RequestPlan.Load())
        {
            switch (step)
            {
                case PlanStep.Send send:
                    exchanges.Add(await SendAsync(send, cancellationToken));
                    break;
                case PlanStep.Do act:
                    await DoAsync(act, cancellationToken);
                    break;
            }
        }

        return exchanges;
    }

    public void Dispose() => _http.Dispose();

    private async Task DoAsync(PlanStep.Do act, CancellationToken cancellationToken)
    {
        switch (act.Verb)
        {
            case "login":
                _cookie = _lastCookie;
                break;
            case "logout":
                _cookie = "";
                break;
            case "write":
                _torrents[act.Words[0]].WriteContent(target.Folder);
                break;
            case "ticks":
                await target.Ticks(int.Parse(act.Words[0], CultureInfo.InvariantCulture), cancellationToken);
                break;
            case "until":
                await UntilAsync(act.Words[0], act.Words[1].Split(','), cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"The plan has no verb '{act.Verb}'.");
        }
    }

    // A version may be unable to hold the torrent at all, so it ends after a while; what is recorded then tells.
    private async Task UntilAsync(string torrent, string[] states, CancellationToken cancellationToken)
    {
        for (var looks = 0; looks < MostLooks; looks++)
        {
            var request = new ExchangeRequest("GET", "torrents/info?hashes=" + _marks[$"{{{torrent}}}"], []);
            using var message = Build(request);
            using var answer = await _http.SendAsync(message, cancellationToken);
            using var list = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
            var state = list.RootElement.GetArrayLength() == 0 ? "gone" : list.RootElement[0].GetProperty("state").GetString();
            if (states.Contains(state) || (states is ["listed"] && state != "gone") || (state == "gone" && torrent is "v2" or "hybrid"))
            {
                return;
            }

            await target.Ticks(0, cancellationToken);
        }
    }

    private async Task<Exchange> SendAsync(PlanStep.Send step, CancellationToken cancellationToken)
    {
        var request = step.Request with
        {
            Path = FillIds(step.Request.Path),
            Fields = [.. step.Request.Fields.Select(field => (field.Name, FillIds(field.Value)))],
        };
        using var message = Build(request);
        using var answer = await _http.SendAsync(message, cancellationToken);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        var cookies = answer.Headers.TryGetValues("Set-Cookie", out var set) ? set.ToList() : [];
        if (cookies.Count > 0)
        {
            _lastCookie = cookies[0].Split(';')[0];
        }

        Learn(step.Name, request, body);
        var exchange = new Exchange(
            step.Name, request, answer.StatusCode, answer.Content.Headers.ContentType?.ToString() ?? "", [.. cookies.Select(HideCookie)], body);
        return exchange.IsBinary
            ? exchange with { Body = Placeholders.TakeBinary(exchange.Body) }
            : exchange with { Body = Encoding.UTF8.GetBytes(Placeholders.Take(Placeholders.Order(exchange.Text), Places())) };
    }

    private void Learn(string name, ExchangeRequest request, byte[] body)
    {
        if (body is not [(byte)'{', ..] || (name != "key-make" && request.Endpoint != "sync/maindata"))
        {
            return;
        }

        using var answer = JsonDocument.Parse(body);
        if (answer.RootElement.TryGetProperty("rid", out var rid))
        {
            _marks["{rid}"] = rid.GetRawText();
        }

        if (answer.RootElement.TryGetProperty("apiKey", out var key))
        {
            Key = key.GetString();
        }
    }

    private string HideCookie(string cookie)
    {
        var end = cookie.IndexOf(';', StringComparison.Ordinal);
        var (name, rest) = (cookie[..cookie.IndexOf('=', StringComparison.Ordinal)], end < 0 ? "" : cookie[end..]);
        var expires = rest.IndexOf("expires=", StringComparison.OrdinalIgnoreCase);
        if (expires >= 0)
        {
            var after = rest.IndexOf(';', expires);
            rest = rest[..(expires + 8)] + "{expiry}" + (after < 0 ? "" : rest[after..]);
        }

        return $"{name.Replace($"{target.Url.Port}", "{port}", StringComparison.Ordinal)}={{cookie}}{rest}";
    }

    // Longest first: the save path lies below the profile.
    private IEnumerable<(string Text, string Mark)> Places()
    {
        if (Key is not null)
        {
            yield return (Key, "{key}");
        }

        yield return (target.Folder, "{folder}");
        yield return (Path.GetDirectoryName(target.Folder)!, "{profile}");
    }

    // What identifies a torrent is part of the recording; whom we are and where the data lies is not.
    private string FillIds(string text) => _marks.Aggregate(text, static (filled, mark) => filled.Replace(mark.Key, mark.Value, StringComparison.Ordinal));

    private string FillOwn(string text) => text
        .Replace("{folder}", target.Folder, StringComparison.Ordinal)
        .Replace("{user}", target.Username, StringComparison.Ordinal)
        .Replace("{password}", target.Password, StringComparison.Ordinal)
        .Replace("{key}", Key ?? "qbt_none", StringComparison.Ordinal)
        .Replace("{basic}", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{target.Username}:{target.Password}")), StringComparison.Ordinal);

    private HttpRequestMessage Build(ExchangeRequest request)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), new Uri(target.Url, "api/v2/" + EscapeQuery(request.Path)));
        if (_cookie.Length > 0)
        {
            message.Headers.TryAddWithoutValidation("Cookie", _cookie);
        }

        if (request.Method == "POST")
        {
            message.Content = BuildBody(request);
        }

        foreach (var (name, value) in request.Fields.Where(static field => field.Name[0] == '@'))
        {
            switch (name)
            {
                case "@Cookie":
                    message.Headers.Remove("Cookie");
                    message.Headers.TryAddWithoutValidation("Cookie", value.Length == 0 ? [] : [value]);
                    break;
                case "@Transfer-Encoding":
                    message.Headers.TransferEncodingChunked = true;
                    break;
                case "@Content-Length":
                    break;
                default:
                    message.Headers.TryAddWithoutValidation(name[1..], FillOwn(value));
                    break;
            }
        }

        return message;
    }

    private static string EscapeQuery(string path) => path.Replace("|", "%7C", StringComparison.Ordinal);

    private ByteArrayContent BuildBody(ExchangeRequest request)
    {
        var fields = request.Fields.Where(static field => field.Name[0] != '@').ToList();
        var body = new MemoryStream();
        if (!fields.Exists(static field => field.Value.StartsWith("<file:", StringComparison.Ordinal)))
        {
            var form = string.Join('&', fields.Select(field => $"{field.Name}={Uri.EscapeDataString(FillOwn(field.Value))}"));
            return new ByteArrayContent(Encoding.UTF8.GetBytes(form)) { Headers = { ContentType = new("application/x-www-form-urlencoded") } };
        }

        const string boundary = "----plan-boundary-5c1d";
        foreach (var (name, value) in fields)
        {
            if (value.StartsWith("<file:", StringComparison.Ordinal))
            {
                Append($"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.torrent\"\r\nContent-Type: application/x-bittorrent\r\n\r\n");
                body.Write(_torrents.Bytes(value[6..^1]));
                Append("\r\n");
            }
            else
            {
                Append($"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{FillOwn(value)}\r\n");
            }
        }

        Append($"--{boundary}--\r\n");
        return new ByteArrayContent(body.ToArray()) { Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=" + boundary) } };

        void Append(string text) => body.Write(Encoding.UTF8.GetBytes(text));
    }
}

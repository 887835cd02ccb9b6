using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Browsers;

/// <summary>A headless Chromium with one page, driven by its own protocol. Ended, with all that it started, when disposed.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private readonly TempDirectory _profile = new();
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _waiting = new();
    private readonly ConcurrentQueue<(string Method, JsonNode Parameters)> _events = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private Process? _process;
    private Task _receiving = Task.CompletedTask;
    private string? _session;
    private int _last;

    private Chromium()
    {
    }

    /// <summary>Every address that the page asked for.</summary>
    public IReadOnlyList<string> Requests => [.. Told("Network.requestWillBeSent").Select(told => $"{told["request"]!["url"]}")];

    /// <summary>What the page did wrong: errors of scripts, of loading, and of its security policy.</summary>
    public IReadOnlyList<string> Faults =>
    [
        .. Told("Log.entryAdded").Where(told => $"{told["entry"]!["level"]}" == "error").Select(told => $"{told["entry"]!["text"]} {told["entry"]!["url"]}"),
        .. Told("Runtime.exceptionThrown").Select(told => told.ToJsonString()),
    ];

    /// <summary>Starts it; ends the test as skipped where there is none.</summary>
    public static async Task<Chromium> StartAsync()
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }, Path.Combine).FirstOrDefault(File.Exists);
        if (program is null)
        {
            Assert.Ignore("There is no Chromium here.");
        }

        var browser = new Chromium();
        try
        {
            await browser.OpenAsync(program!);
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens an address and waits until the page and what it loads are there.</summary>
    public async Task NavigateAsync(Uri address)
    {
        var before = Told("Page.loadEventFired").Count;
        await SendAsync("Page.navigate", new JsonObject { ["url"] = address.ToString() });
        await Eventually.BecomesTrueAsync(() => Told("Page.loadEventFired").Count > before);
    }

    /// <summary>The value of an expression in the page.</summary>
    public async Task<T> EvaluateAsync<T>(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        Assert.That(answer["exceptionDetails"]?.ToJsonString(), Is.Null, expression);
        return answer["result"]!["value"] is { } value ? value.Deserialize<T>()! : default!;
    }

    /// <summary>Its window, and which colors and motion its user prefers.</summary>
    public async Task ShowAsync(int width, int height, string scheme)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = false });
        await SendAsync("Emulation.setEmulatedMedia", new JsonObject
        {
            ["features"] = new JsonArray(
                new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }, new JsonObject { ["name"] = "prefers-reduced-motion", ["value"] = "reduce" }),
        });
    }

    /// <summary>From the next page on no script of a page runs.</summary>
    public Task DisableScriptsAsync() => SendAsync("Emulation.setScriptExecutionDisabled", new JsonObject { ["value"] = true });

    /// <summary>Presses a key.</summary>
    public async Task PressAsync(string key, int code)
    {
        foreach (var type in (string[])["keyDown", "keyUp"])
        {
            await SendAsync("Input.dispatchKeyEvent", new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code });
        }
    }

    /// <summary>The page as it is now, as markup.</summary>
    public async Task<string> GetMarkupAsync()
    {
        var root = await SendAsync("DOM.getDocument", new JsonObject { ["depth"] = 0 });
        var answer = await SendAsync("DOM.getOuterHTML", new JsonObject { ["nodeId"] = root["root"]!["nodeId"]!.GetValue<int>() });
        return answer["outerHTML"]!.GetValue<string>();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync().DefaultTimeout();
            _process.Dispose();
        }

        _stop.Dispose();
        _sending.Dispose();
        _profile.Dispose();
    }

    private async Task OpenAsync(string program)
    {
        _process = Process.Start(new ProcessStartInfo(
            program,
            [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-background-networking",
                "--disable-component-update", "--no-proxy-server", "--remote-debugging-port=0", $"--user-data-dir={_profile.Path}", "about:blank",
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var file = _profile["DevToolsActivePort"];
        string[] lines = [];
        await Eventually.BecomesTrueAsync(() => File.Exists(file) && (lines = File.ReadAllLines(file)).Length == 2 && lines[1].Length > 0);
        await _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{lines[0]}{lines[1]}"), _stop.Token).DefaultTimeout();
        _receiving = Task.Run(ReceiveAsync);
        var target = await SendAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" });
        var attached = await SendAsync("Target.attachToTarget", new JsonObject { ["targetId"] = $"{target["targetId"]}", ["flatten"] = true });
        _session = $"{attached["sessionId"]}";
        foreach (var domain in (string[])["Page", "Runtime", "Network", "Log", "DOM"])
        {
            await SendAsync($"{domain}.enable", []);
        }
    }

    private List<JsonNode> Told(string method) => [.. _events.Where(told => told.Method == method).Select(told => told.Parameters)];

    private async Task<JsonNode> SendAsync(string method, JsonObject parameters)
    {
        var id = Interlocked.Increment(ref _last);
        var answer = _waiting[id] = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (_session is not null)
        {
            message["sessionId"] = _session;
        }

        await _sending.WaitAsync(_stop.Token);
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, true, _stop.Token).DefaultTimeout();
        }
        finally
        {
            _sending.Release();
        }

        var told = await answer.Task.DefaultTimeout();
        return told["result"] ?? throw new InvalidOperationException($"{method}: {told.ToJsonString()}");
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[64 << 10];
        while (true)
        {
            using var text = new MemoryStream();
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(), _stop.Token);
                text.Write(buffer.AsSpan(0, part.Count));
            }
            while (!part.EndOfMessage);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return;
            }

            var message = JsonNode.Parse(text.ToArray())!;
            if (message["id"] is { } id)
            {
                _waiting.TryRemove(id.GetValue<int>(), out var answer);
                answer?.TrySetResult(message);
            }
            else
            {
                _events.Enqueue(($"{message["method"]}", message["params"]!));
            }
        }
    }
}

using System.Diagnostics;

namespace QbSync.Throughput.Measuring;

/// <summary>
/// One half of a run: this program again, in a process of its own. It says one line when it is ready, begins to measure when it hears <see cref="Parent.Begin"/>, and
/// ends with its figures: a source by itself, a destination when its input ends. Disposed, it is over, and it does not outlive this process: <see cref="Parent"/>.
/// </summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;

    private Child(Process process) => _process = process;

    /// <param name="kind">Which half, as Program knows it.</param>
    /// <param name="settings">Names and values.</param>
    public static Child Start(string kind, IEnumerable<KeyValuePair<string, string>> settings)
    {
        // Later values win: what the run says stands above what the stage says.
        var last = settings.GroupBy(setting => setting.Key).Select(group => group.Last());
        var start = new ProcessStartInfo("dotnet", [typeof(Child).Assembly.Location, kind, .. last.SelectMany(setting => new[] { setting.Key, setting.Value })])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1"; // as the launcher sets it
        return new Child(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("A child ended before it was ready.");

    /// <summary>Tells it to measure from now on, and waits until it does.</summary>
    public async Task BeginAsync()
    {
        await _process.StandardInput.WriteLineAsync(Parent.Begin);
        await _process.StandardInput.FlushAsync();
        await ReadLineAsync();
    }

    public void EndInput() => _process.StandardInput.Close();

    public async Task<Figures> ReadFiguresAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Figures.Prefix, StringComparison.Ordinal))
            {
                await _process.WaitForExitAsync();
                return Figures.FromLine(line);
            }
        }

        throw new InvalidOperationException("A child ended without a result.");
    }

    public void Dispose()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }

        _process.Dispose();
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;

namespace QbSync.Testing.Networks;

/// <summary>
/// A network of its own: a thread that left the machine's, and does what it is asked there. Sockets made there stay there, whoever uses them; processes
/// started there live in it. It has no name: the kernel takes it away with the last thread, socket and process in it, after a crash too.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    // Processes started here inherit it: they stand for machines of their own, which a busy neighbour does not slow down.
    private const int Niceness = -20;
    private const string SessionNiceness = "/proc/self/autogroup";

    private readonly BlockingCollection<Action> _work = [];
    private readonly TaskCompletionSource _ready = new();
    private readonly Thread _thread;

    public NetworkNamespace()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "network namespace" };
        _thread.Start();
        _ready.Task.GetAwaiter().GetResult();
    }

    /// <summary>Runs this in the network and gives what came of it.</summary>
    public T Run<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    /// <summary>Starts a process whose network this is.</summary>
    public Process Start(ProcessStartInfo start) => Run(() => Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start."));

    /// <summary>
    /// For a process that was started here, first of all: its niceness counts against everybody, not only within the session of who started it. Real time would
    /// be too much: the kernel's own network thread has none.
    /// </summary>
    public static void Settle()
    {
        if (NetworkCalls.StartSession() >= 0 && File.Exists(SessionNiceness))
        {
            File.WriteAllText(SessionNiceness, Niceness.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Sets what /proc/sys/net/ipv4 has under this name, for this network alone.</summary>
    public void Set(string name, string value) => Run(() =>
    {
        File.WriteAllText($"/proc/sys/net/ipv4/{name}", value);
        return true;
    });

    /// <summary>TCP segments sent again, and sent at all, by everybody in this network.</summary>
    public (long Resent, long Sent) CountSegments() => Run(static () =>
    {
        var lines = File.ReadLines("/proc/thread-self/net/snmp").Where(static line => line.StartsWith("Tcp:", StringComparison.Ordinal)).Select(static line => line.Split(' ')).ToList();
        return (Value("RetransSegs"), Value("OutSegs"));

        long Value(string name) => long.Parse(lines[1][Array.IndexOf(lines[0], name)], System.Globalization.CultureInfo.InvariantCulture);
    });

    /// <summary>Packets that a device of this network dropped on their way out: nobody took them in time.</summary>
    public long CountDropped(string device) => Run(() => long.Parse(File.ReadLines("/proc/thread-self/net/dev")
        .Single(line => line.TrimStart().StartsWith(device + ":", StringComparison.Ordinal))
        .Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[11], System.Globalization.CultureInfo.InvariantCulture));

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Work()
    {
        try
        {
            NetworkCalls.Check(NetworkCalls.Unshare(NetworkCalls.NewNetwork), "unshare");
            NetworkCalls.SetPriority(0, 0, Niceness);
            _ready.SetResult();
        }
        catch (Exception exception)
        {
            _ready.SetException(exception);
            return;
        }

        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}

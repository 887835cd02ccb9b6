using System.Reflection;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>A scrape waits for nobody: each lock that a role has is held in turn, while it works.</summary>
internal sealed class ScrapeGateTests
{
    /// <summary>Guard series of metrics themselves, and are held for nothing else.</summary>
    private static readonly string[] OfMetrics = ["LiveSeries", "FinishedSeries", "TransportMetrics"];

    [Test]
    [MetricCase("Q9")]
    public async Task Scrape_WhileAnyGateIsHeld_Ends()
    {
        await using var nodes = new TwoNodes();
        nodes.AddAtSource(new TorrentBuilder("one.bin") { Length = 3_000_005, Seed = 1 }.Build());
        await nodes.StartAsync();
        await nodes.AllSyncedAsync(1);
        var gates = Find(nodes.Source).Concat(Find(nodes.Destination)).DistinctBy(static gate => gate.Gate).ToList();
        Assert.That(gates.Select(static gate => gate.Owner), Is.SupersetOf(new[] { "TorrentStore", "FileHandleCache", "WriteHandleCache", "StreamPool", "PeerWatcher" }));
        foreach (var (gate, owner) in gates)
        {
            // On a thread of its own, since a lock belongs to its thread. Only a scrape that hangs fails.
            await Task.Factory.StartNew(
                () =>
                {
                    lock (gate)
                    {
                        var scrapes = Task.WhenAll(Task.Run(() => TwoNodes.ScrapeAsync(nodes.Source.Registry)), Task.Run(() => TwoNodes.ScrapeAsync(nodes.Destination.Registry)));
                        Assert.That(scrapes.Wait(TimeSpan.FromMinutes(1)), Is.True, $"a scrape waits for {owner}");
                        Assert.That(Exposition.Parse(scrapes.Result[0].Text).Sum("qbsync_metrics_collect_errors_total"), Is.Zero, owner);
                        Assert.That(Exposition.Parse(scrapes.Result[1].Text).Sum("qbsync_metrics_collect_errors_total"), Is.Zero, owner);
                    }
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
    }

    /// <summary>Every lock that can be reached from an object through what QbSync wrote.</summary>
    private static List<(Lock Gate, string Owner)> Find(object root)
    {
        List<(Lock, string)> found = [];
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance) { root };
        Queue<object> open = new([root]);
        while (open.TryDequeue(out var visited) && seen.Count < 200_000)
        {
            foreach (var (field, value) in Values(visited))
            {
                if (value is Lock gate)
                {
                    if (!OfMetrics.Any(owner => field.DeclaringType!.FullName!.Contains(owner, StringComparison.Ordinal)))
                    {
                        found.Add((gate, field.DeclaringType!.Name));
                    }
                }
                else if (IsOurs(value) && seen.Add(value))
                {
                    open.Enqueue(value);
                }
            }
        }

        return found;
    }

    private static IEnumerable<(FieldInfo Field, object Value)> Values(object visited)
    {
        for (var type = visited.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                var value = field.FieldType.IsValueType ? null : field.GetValue(visited);
                IEnumerable<object?> values = value switch
                {
                    Delegate call => call.GetInvocationList().Select(static one => one.Target),
                    object?[] items => items,
                    _ => [value],
                };
                foreach (var one in values.OfType<object>())
                {
                    yield return (field, one);
                }
            }
        }
    }

    private static bool IsOurs(object value) => value.GetType().Assembly.GetName().Name is { } name
        && (name == "qbsync" || name.StartsWith("QbSync.", StringComparison.Ordinal) || value is object?[] || IsHolder(value))
        && value is not (string or Prometheus.CollectorRegistry);

    /// <summary>What only keeps things of ours: containers, tasks, providers.</summary>
    private static bool IsHolder(object value) =>
        value.GetType() is { IsGenericType: true } type && type.GetGenericArguments().Any(static argument => argument.Assembly.GetName().Name!.StartsWith("QbSync.", StringComparison.Ordinal));
}

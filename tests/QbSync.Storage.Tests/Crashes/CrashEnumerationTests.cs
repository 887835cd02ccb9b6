using System.Globalization;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Specifications;

namespace QbSync.Storage.Tests.Crashes;

/// <summary>
/// The power goes after every change that a sync makes to the disk, with every part of what was not flushed that the file system may keep or lose; then the sync
/// goes on. QBSYNC_TRACES says how many recorded syncs are gone through: at least one of each kind, more with other content.
/// </summary>
public sealed class CrashEnumerationTests
{
    private const int Kinds = 6;
    private const int MaxStates = 20_000;
    private const int MaxExhaustive = 6;
    private static readonly int Traces = int.TryParse(Environment.GetEnvironmentVariable("QBSYNC_TRACES"), CultureInfo.InvariantCulture, out var traces) ? traces : 0;

    private static IEnumerable<int> Numbers => Enumerable.Range(0, Math.Max(Kinds, Traces));

    [TestCaseSource(nameof(Numbers))]
    [DestinationCase(59)]
    public async Task PowerCut_AfterEveryChange_EveryModel_NothingWrongIsBelievedAndTheSyncFinishes(int number)
    {
        var scenario = CrashScenario.Create(number);
        var oracle = new CrashOracle();
        var (disk, trace) = await RecordAsync(scenario, oracle);
        var states = Enumerate(disk, trace);
        var share = Math.Min(1.0, (double)MaxStates / states.Count);
        var sample = new Random(number);
        var chosen = states.Where(_ => sample.NextDouble() < share).ToList();
        await Parallel.ForEachAsync(chosen.GroupBy(static state => state.Prefix), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (group, _) =>
        {
            var running = Replay(disk, trace, group.Key);
            foreach (var state in group)
            {
                await CheckAsync(scenario, oracle, trace, state, running);
            }
        });
        TestContext.Out.WriteLine($"{scenario.Name}: {trace.Count} changes, {chosen.Count} of {states.Count} crash states recovered");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task AFlushThatIsLeftOut_IsFound(bool ofFolders)
    {
        var kind = ofFolders ? SimMutationKind.SyncFolder : SimMutationKind.SyncFile;
        var scenario = CrashScenario.Create(0);
        var oracle = new CrashOracle();
        var (disk, trace) = await RecordAsync(scenario, oracle);
        var content = trace.Where(static change => change.Kind == SimMutationKind.Make && change.Name.EndsWith(".qbsync-part", StringComparison.Ordinal)).ToList();
        trace = [.. trace.Where(change => change.Kind != kind || !content.Exists(made => change.Node == (kind == SimMutationKind.SyncFile ? made.Node : made.Folder)))];
        Assert.That(await CountFailuresAsync(scenario, oracle, disk, trace), Is.Positive);
    }

    private static async Task<int> CountFailuresAsync(CrashScenario scenario, CrashOracle oracle, SimDisk disk, IReadOnlyList<SimMutation> trace)
    {
        var found = 0;
        foreach (var state in Enumerate(disk, trace).Where(static state => state.Model == CrashModel.Weak && state.Pattern == CrashPattern.Subset))
        {
            using var isolated = new NUnit.Framework.Internal.TestExecutionContext.IsolatedContext(); // what fails here is no failure of the test
            try
            {
                await CheckAsync(scenario, oracle, trace, state, Replay(disk, trace, state.Prefix));
            }
            catch (AssertionException)
            {
                found++;
            }
        }

        return found;
    }

    private static SimDisk Replay(SimDisk disk, IReadOnlyList<SimMutation> trace, int prefix)
    {
        var running = disk.CopyFlushed();
        foreach (var change in trace.Take(prefix))
        {
            running.Apply(change);
        }

        return running;
    }

    private static async Task<(SimDisk Disk, IReadOnlyList<SimMutation> Trace)> RecordAsync(CrashScenario scenario, CrashOracle oracle)
    {
        var files = new SimFileSystem();
        files.AddFolder(CrashMachine.Data);
        files.AddFolder(CrashMachine.State);
        oracle.AddStrangers(files);
        var disk = files.CopyDisk();
        files.StartTrace();
        await using var machine = new CrashMachine(files, scenario.Requests);
        await machine.StartAsync();
        await scenario.RunAsync(machine);
        oracle.CheckFinished(machine, scenario.Torrents);
        return (disk, files.CopyTrace());
    }

    /// <summary>Every prefix and model with every subset of what was not flushed; where that is much: nothing, all, all but one, only one, and torn mixtures.</summary>
    private static List<CrashState> Enumerate(SimDisk disk, IReadOnlyList<SimMutation> trace)
    {
        var states = new List<CrashState>();
        var running = disk.CopyFlushed();
        for (var prefix = 0; prefix <= trace.Count; prefix++)
        {
            if (prefix > 0)
            {
                running.Apply(trace[prefix - 1]);
            }

            var open = running.PendingCount;
            foreach (var model in Enum.GetValues<CrashModel>())
            {
                if (open <= MaxExhaustive)
                {
                    states.AddRange(Enumerable.Range(0, 1 << open).Select(kept => new CrashState(prefix, model, CrashPattern.Subset, kept)));
                }
                else
                {
                    states.AddRange(Enumerable.Range(-1, open + 1).Select(one => new CrashState(prefix, model, CrashPattern.AllBut, one)));
                    states.AddRange(Enumerable.Range(-1, open + 1).Select(one => new CrashState(prefix, model, CrashPattern.Only, one)));
                }

                states.AddRange(Enumerable.Range(0, Math.Min(16, 2 * open)).Select(seed => new CrashState(prefix, model, CrashPattern.Random, (prefix * 31) + seed)));
            }
        }

        return states;
    }

    private static async Task CheckAsync(CrashScenario scenario, CrashOracle oracle, IReadOnlyList<SimMutation> trace, CrashState state, SimDisk running)
    {
        try
        {
            var random = new Random(state.Value);
            var asked = 0;
            var left = running.Crash(state.Model, _ => state.Choose(asked++, random), random);
            await using var machine = new CrashMachine(new SimFileSystem(left), scenario.Requests);
            await machine.StartAsync();
            oracle.CheckRecovered(machine, scenario.Torrents);
            await machine.FinishAsync(scenario.Torrents);
            oracle.CheckFinished(machine, scenario.Torrents);
        }
        catch (Exception exception)
        {
            var last = string.Join(Environment.NewLine, trace.Take(state.Prefix).TakeLast(40).Select((change, index) => $"  {Math.Max(0, state.Prefix - 40) + index}: {change}"));
            throw new AssertionException($"{scenario.Name}, {state}: {exception.Message}{Environment.NewLine}The last changes before the cut:{Environment.NewLine}{last}{Environment.NewLine}{exception.StackTrace}", exception);
        }
    }

    private enum CrashPattern
    {
        Subset = 0,
        AllBut = 1,
        Only = 2,
        Random = 3,
    }

    private sealed record CrashState(int Prefix, CrashModel Model, CrashPattern Pattern, int Value)
    {
        public CrashFate Choose(int index, Random random) => Pattern switch
        {
            CrashPattern.Subset => (Value >> index & 1) == 1 ? CrashFate.Kept : CrashFate.Lost,
            CrashPattern.AllBut => index == Value ? CrashFate.Lost : CrashFate.Kept,
            CrashPattern.Only => index == Value ? CrashFate.Kept : CrashFate.Lost,
            _ => (CrashFate)random.Next(3),
        };
    }
}

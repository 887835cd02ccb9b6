namespace QbSync.Engine.Source.Cleanup;

/// <summary>
/// Free space of the file systems on which the mapped roots lie. Fails closed: a figure that is missing, old, impossible or of another device than the one
/// that a root had at first is unknown, and unknown is never short. Pure: fed with samples; owned by the loop.
/// </summary>
internal sealed class FreeSpace(long minSpace)
{
    /// <summary>Below it a file system is short of space.</summary>
    public long MinSpace { get; set; } = minSpace;

    /// <summary>Samples in a row, over this time, that make a file system short: clients and file systems tell what they know late.</summary>
    public const int SamplesToBeShort = 3;

    public static readonly TimeSpan TimeToBeShort = TimeSpan.FromSeconds(60);
    public static readonly TimeSpan Oldest = TimeSpan.FromSeconds(60);
    private readonly Dictionary<string, ulong> _firstDevices = [];
    private readonly Dictionary<ulong, FileSystem> _fileSystems = [];
    private readonly Dictionary<string, ulong?> _devices = [];

    /// <summary>Takes a look in.</summary>
    public void Add(SpaceSample sample, TimeSpan now)
    {
        Dictionary<ulong, List<(string Root, long? Free)>> figures = [];
        HashSet<ulong> gone = [];
        _devices.Clear();
        foreach (var (root, told) in sample.Roots)
        {
            if (told is { } first)
            {
                _firstDevices.TryAdd(root, first.Device);
            }

            if (!_firstDevices.TryGetValue(root, out var device))
            {
                _devices[root] = null;
                continue;
            }

            // Another device than at first: what is seen there is the folder below the mount, or something else that was put in its place.
            var isGone = told?.Device != device;
            _devices[root] = isGone ? null : device;
            if (isGone)
            {
                gone.Add(device);
            }

            if (!figures.TryGetValue(device, out var ofDevice))
            {
                figures[device] = ofDevice = [];
            }

            ofDevice.Add((root, isGone ? null : told?.FreeBytes));
        }

        foreach (var (device, ofDevice) in figures)
        {
            if (!_fileSystems.TryGetValue(device, out var fileSystem))
            {
                _fileSystems[device] = fileSystem = new FileSystem(device);
            }

            var root = ofDevice[0].Root;
            if (gone.Contains(device))
            {
                fileSystem.Add(null, $"'{root}' is not on the device any more that it was on at first; is its mount gone?", now, MinSpace);
                continue;
            }

            var local = ofDevice.Max(figure => figure.Free);
            var client = sample.DefaultRoot is { } saved && ofDevice.Exists(figure => figure.Root == saved) ? Figure(sample.Client, now) : null;
            fileSystem.Add(Choose(local, client), $"neither the file system of '{root}' nor the client tells it.", now, MinSpace);
        }

        foreach (var device in _fileSystems.Keys.Where(device => !figures.ContainsKey(device)).ToList())
        {
            _fileSystems.Remove(device);
        }
    }

    /// <summary>Every file system, as known now.</summary>
    public IReadOnlyList<SpaceState> GetStates(TimeSpan now) => [.. _fileSystems.Values.Select(fileSystem => fileSystem.StateAt(now))];

    /// <summary>The device of a root; null while that is not known, or it is not the one that it was.</summary>
    public ulong? DeviceOf(string root) => _devices.GetValueOrDefault(root);

    /// <summary>The roots that were on a device at first.</summary>
    public IEnumerable<string> RootsOn(ulong device) => _firstDevices.Where(root => root.Value == device).Select(static root => root.Key);

    /// <summary>The device on which a path should be, by its root; null when it lies below none, or that one's device is not known.</summary>
    public ulong? DeviceOfPath(string path) =>
        _devices.Keys.Where(root => path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .OrderByDescending(static root => root.Length).FirstOrDefault() is { } root ? DeviceOf(root) : null;

    /// <summary>Every root with its free bytes, as far as they are known.</summary>
    public IReadOnlyDictionary<string, long?> GetRoots(TimeSpan now) => _devices.Keys.ToDictionary(static root => root, root => FreeOf(root, now));

    /// <summary>Free bytes of a root as far as they are known.</summary>
    public long? FreeOf(string root, TimeSpan now) =>
        DeviceOf(root) is { } device && _fileSystems.TryGetValue(device, out var fileSystem) ? fileSystem.StateAt(now).FreeBytes : null;

    /// <summary>A client that has no figure says 0 or less; one that was asked too long ago may be away.</summary>
    private static long? Figure(ClientSpace? client, TimeSpan now) =>
        client is { FreeBytes: > 0 } told && now - told.At <= Oldest ? told.FreeBytes : null;

    /// <summary>The file system's own figure; where the client's differs by much, the larger: the smaller one may be late, or count what is reserved.</summary>
    private static long? Choose(long? local, long? client) => (local, client) switch
    {
        ({ } here, { } there) when Math.Abs((double)here - there) > 0.1 * Math.Max(here, there) => Math.Max(here, there),
        ({ } here, _) => here,
        (null, var there) => there,
    };

    private sealed class FileSystem(ulong device)
    {
        private long? _free;
        private string _problem = "";
        private TimeSpan _at;
        private int _below;
        private TimeSpan _belowSince;

        public void Add(long? free, string problem, TimeSpan now, long minSpace)
        {
            var isGap = now - _at > Oldest;
            (_free, _problem, _at) = (free, free is null ? problem : "", now);
            if (free is null || free >= minSpace)
            {
                _below = 0;
                return;
            }

            if (_below == 0 || isGap)
            {
                (_below, _belowSince) = (0, now);
            }

            _below++;
        }

        public SpaceState StateAt(TimeSpan now) => now - _at > Oldest
            ? new SpaceState(device, null, false, "its last sample is too old.")
            : new SpaceState(device, _free, _below >= SamplesToBeShort && _at - _belowSince >= TimeToBeShort, _problem);
    }
}

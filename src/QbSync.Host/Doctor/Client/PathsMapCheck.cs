using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Client;

/// <summary>Whether the client's files are found where the configuration says that they are; else where they may be.</summary>
internal sealed class PathsMapCheck() : DoctorCheck("paths.map", Roles.Both)
{
    private static readonly TimeSpan LongestSearch = TimeSpan.FromSeconds(4);

    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        if (patient.Settings.Client != ClientKind.QBittorrent)
        {
            return Finding.Skip("the paths are this machine's own");
        }

        if (await patient.FindClientAsync(cancellationToken) is null)
        {
            return Finding.Skip("the client did not let us in");
        }

        var files = await FileSample.TakeAsync(patient, cancellationToken);
        var missing = files.Where(static file => !file.IsFound).ToList();

        // What was found until then will do: that nothing is where it should be is known already.
        using var search = new CancellationTokenSource(LongestSearch, patient.Time);
        var proposal = missing.Count == 0 ? null : PathProposal.Find(missing, patient.Settings.Data, search.Token);
        return Judge(patient.Settings.Role, files.Count, missing, proposal);
    }

    public static Finding Judge(Roles role, int sampled, IReadOnlyList<SampledFile> missing, PathProposal? proposal)
    {
        if (sampled == 0)
        {
            return Finding.Skip("the client has no complete torrent to look for");
        }

        if (missing.Count == 0)
        {
            return Finding.Ok($"a file of each of {sampled} complete torrents was found");
        }

        var text = $"of {sampled} complete torrents {(missing.Count == sampled ? "none has its" : $"{missing.Count} have not their")} files where they should be: "
            + $"{missing[0].ClientPath} is looked for at {missing[0].LocalPath ?? "no place, since no path-map covers it"}";
        var hint = (role, proposal) switch
        {
            (_, null) => role == Roles.Source
                ? "Give path-map CLIENT=LOCAL, data, or the right to read there."
                : "save-path is the data folder as the client sees it. Torrents that the client keeps elsewhere are left alone.",
            (Roles.Source, { } map) => $"Found {map.Found} of them by: --path-map {map.Client}={map.Local}",
            (_, { } map) => $"Found {map.Found} of them by: --save-path {map.Client} --data {map.Local}",
        };
        return missing.Count == sampled ? Finding.Fail(text, hint) : Finding.Warn(text, hint);
    }
}

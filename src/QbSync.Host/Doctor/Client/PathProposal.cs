namespace QbSync.Host.Doctor.Client;

/// <summary>A folder of the client and the local folder that it seems to be.</summary>
/// <param name="Found">Files that are found by it.</param>
internal sealed record PathProposal(string Client, string Local, int Found)
{
    private const int MostFolders = 500;

    /// <summary>
    /// The pair by which most of the files are found, below the data folder, or a folder in it, or one that it lies in; the shortest of them. Null when none is. It ends early, with what it has, when it is told to.
    /// </summary>
    public static PathProposal? Find(IReadOnlyList<SampledFile> missing, string data, CancellationToken search)
    {
        var votes = new Dictionary<(string Client, string Local), int>();
        foreach (var file in missing)
        {
            var parts = file.ClientPath.Split('/', StringSplitOptions.RemoveEmptyEntries);
            foreach (var local in Candidates(data))
            {
                if (search.IsCancellationRequested)
                {
                    return Best(votes);
                }

                // The last part alone may be anything's name, but a size comes with it.
                for (var kept = 1; kept <= parts.Length; kept++)
                {
                    if (file.IsAt(Path.Combine([local, .. parts[^kept..]])))
                    {
                        var pair = (Head(parts[..^kept]), local);
                        votes[pair] = votes.GetValueOrDefault(pair) + 1;
                    }
                }
            }
        }

        return Best(votes);

        static string Head(string[] parts) => parts is [var drive, ..] && drive.EndsWith(':') ? string.Join('/', parts) : "/" + string.Join('/', parts);
    }

    private static PathProposal? Best(Dictionary<(string Client, string Local), int> votes) => votes
        .OrderByDescending(static vote => vote.Value)
        .ThenBy(static vote => vote.Key.Client.Length)
        .ThenBy(static vote => vote.Key.Local, StringComparer.Ordinal)
        .Select(static vote => new PathProposal(vote.Key.Client, vote.Key.Local, vote.Value))
        .FirstOrDefault();

    private static IEnumerable<string> Candidates(string data)
    {
        var root = Path.TrimEndingDirectorySeparator(data);
        var above = Path.GetDirectoryName(root);
        return [root, .. Below(root), .. above is null || above == Path.GetPathRoot(above) ? [] : Below(above).Prepend(above).Where(folder => folder != root)];
    }

    private static IEnumerable<string> Below(string folder) => Directory.EnumerateDirectories(
        folder, "*", new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint }).Take(MostFolders);
}

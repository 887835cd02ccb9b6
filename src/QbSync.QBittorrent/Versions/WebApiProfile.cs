using System.Collections.Immutable;

namespace QbSync.QBittorrent.Versions;

/// <summary>What a server of this WebAPI version can do. Immutable; thresholds are those of releases.</summary>
internal sealed record WebApiProfile(WebApiVersion Version)
{
    /// <summary>qBittorrent 4.2.0, the first with tags.</summary>
    public static readonly WebApiVersion Floor = new(2, 3, 0);

    /// <summary>The newest that this build was measured with.</summary>
    public static readonly WebApiVersion Measured = new(2, 16, 2);

    /// <summary>Whether we can work with it at all.</summary>
    public bool IsSupported => Version >= Floor;

    /// <summary>Tags may come with the add (4.3.2); before, they are ignored there.</summary>
    public bool TagsInAdd => Version >= new WebApiVersion(2, 6, 2);

    /// <summary>The layout is said in one word (4.3.2); before, only whether there is a root folder.</summary>
    public bool SaysLayout => Version >= new WebApiVersion(2, 7, 0);

    /// <summary>Files are renamed by path (4.3.5).</summary>
    public bool RenamesByPath => Version >= new WebApiVersion(2, 8, 1);

    /// <summary>Files tell their index (4.3.5); before, their place in the list is it.</summary>
    public bool TellsFileIndices => Version >= new WebApiVersion(2, 8, 2);

    /// <summary>Both info hashes are told, and the download path can be switched off for a torrent (4.4.0).</summary>
    public bool TellsBothHashes => Version >= new WebApiVersion(2, 8, 4);

    /// <summary>The <c>.torrent</c> can be had (4.5.0).</summary>
    public bool Exports => Version >= new WebApiVersion(2, 8, 18);

    /// <summary>A delete without files leaves files of priority 0 where they are (4.5.0).</summary>
    public bool KeepsUnselectedFiles => Version >= new WebApiVersion(2, 8, 18);

    /// <summary>There is a limit of inactivity (4.6.0).</summary>
    public bool LimitsInactivity => Version >= new WebApiVersion(2, 9, 2);

    /// <summary>Pause is called stop, resume is called start (5.0.0).</summary>
    public bool SaysStop => Version >= new WebApiVersion(2, 11, 0);

    /// <summary>Share limits have an action (5.2.0).</summary>
    public bool LimitsHaveAction => Version >= new WebApiVersion(2, 12, 0);

    /// <summary>A tracker's refusal is told from a tracker that is away (5.2.0).</summary>
    public bool TellsRefusedAnnounces => Version >= new WebApiVersion(2, 13, 0);

    /// <summary>A login is answered by its status (5.2.0); before, by <c>Ok.</c> and <c>Fails.</c>.</summary>
    public bool AnswersLoginByStatus => Version >= new WebApiVersion(2, 14, 0);

    /// <summary>API keys (5.2).</summary>
    public bool TakesApiKeys => Version >= new WebApiVersion(2, 14, 1);

    /// <summary>Basic authentication by the client itself (5.2).</summary>
    public bool TakesBasic => Version >= new WebApiVersion(2, 15, 0);

    /// <summary>Share limits must have a mode (5.3.0).</summary>
    public bool LimitsHaveMode => Version >= new WebApiVersion(2, 15, 3);

    /// <summary>Taking content as verified is called seed mode (5.3.0); before, skipping the check.</summary>
    public bool SaysSeedMode => Version >= new WebApiVersion(2, 16, 0);

    /// <summary>Whether it is beyond what was measured; a reason for a warning, never for a refusal.</summary>
    public bool IsNewerThanMeasured => Version > Measured;

    private ImmutableHashSet<string> Lost { get; init; } = [];

    /// <summary>Whether an endpoint is there as far as we know: of some, a server of this version did not have what it should.</summary>
    public bool Has(string endpoint) => !Lost.Contains(endpoint);

    /// <summary>The profile of a server that turned out not to have an endpoint.</summary>
    public WebApiProfile Without(string endpoint) => this with { Lost = Lost.Add(endpoint) };
}

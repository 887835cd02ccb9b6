namespace QbSync.QBittorrent.Versions;

/// <summary>What a server of this WebAPI version can do. Immutable; thresholds are those of releases.</summary>
internal sealed record WebApiProfile(WebApiVersion Version)
{
    /// <summary>qBittorrent 4.2.0, the first with tags.</summary>
    public static readonly WebApiVersion Floor = new(2, 3, 0);

    /// <summary>The newest that this build was measured with.</summary>
    public static readonly WebApiVersion Measured = new(2, 16, 2);

    /// <summary>Tags may come with the add (4.3.2).</summary>
    public bool TagsInAdd => Version >= new WebApiVersion(2, 6, 2);

    /// <summary>Files are renamed by path (4.3.5).</summary>
    public bool RenamesByPath => Version >= new WebApiVersion(2, 8, 1);

    /// <summary>Both info hashes are told, and the download path can be switched off for a torrent (4.4.0).</summary>
    public bool TellsBothHashes => Version >= new WebApiVersion(2, 8, 4);

    /// <summary>The <c>.torrent</c> can be had (4.5.0).</summary>
    public bool Exports => Version >= new WebApiVersion(2, 8, 18);

    /// <summary>A delete without files leaves complete files of priority 0 where they are (4.5.0).</summary>
    public bool KeepsUnselectedFiles => Version >= new WebApiVersion(2, 8, 18);

    /// <summary>There is a limit of inactivity (4.6.0).</summary>
    public bool LimitsInactivity => Version >= new WebApiVersion(2, 9, 2);

    /// <summary>A tracker's refusal is told from a tracker that is away (5.2.0).</summary>
    public bool TellsRefusedAnnounces => Version >= new WebApiVersion(2, 13, 0);

    /// <summary>Pause is called stop, resume is called start (5.0.0).</summary>
    public bool SaysStop => Version >= new WebApiVersion(2, 11, 0);

    /// <summary>Whether it is beyond what was measured; a reason for a warning, never for a refusal.</summary>
    public bool IsNewerThanMeasured => Version > Measured;
}

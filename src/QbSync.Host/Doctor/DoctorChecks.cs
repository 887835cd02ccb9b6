using QbSync.Host.Doctor.Client;
using QbSync.Host.Doctor.Data;
using QbSync.Host.Doctor.Machine;
using QbSync.Host.Doctor.Peer;

namespace QbSync.Host.Doctor;

/// <summary>Every check but that of the configuration, in the order in which they run.</summary>
internal static class DoctorChecks
{
    public static IReadOnlyList<DoctorCheck> All { get; } =
    [
        new ClientReachableCheck(),
        new ClientLoginCheck(),
        new ClientVersionCheck(),
        new PathsMapCheck(),
        new PathsHashCheck(),
        new DataMarkerCheck(),
        new DataWriteCheck(),
        new DataLinkCheck(),
        new DataSameFileSystemCheck(),
        new DataNamesCheck(),
        new FreeSpaceCheck(),
        new StateFolderCheck(),
        new PeerConnectCheck(),
        new PeerPathCheck(),
        new PeerClockCheck(),
        new CongestionCheck(),
        new ListenCheck(),
        new OpenFilesCheck(),
        new HttpAccessCheck(),
    ];
}

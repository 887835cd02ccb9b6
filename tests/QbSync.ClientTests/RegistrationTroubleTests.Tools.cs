using System.Diagnostics;
using System.Security.Cryptography;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.ClientTests;

internal sealed partial class RegistrationTroubleTests
{
    private static async Task AssertEndAsync(DestinationLab lab, BuiltTorrent torrent, TorrentStatus status, Func<BuiltFile, bool> isWanted)
    {
        var properties = await lab.GetPropertiesAsync(status);
        var left = Directory.EnumerateFiles(lab.Instance.SavePath + "/..", "*.!qB", SearchOption.AllDirectories);
        Assert.Multiple(() =>
        {
            Assert.That((status.State, status.Progress, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)), status.RawState);
            Assert.That(status.SavePath.TrimEnd('/'), Is.EqualTo(lab.Data));
            Assert.That(properties.GetProperty("total_downloaded").GetInt64(), Is.Zero);
            Assert.That(torrent.FindDifference(lab.Data, isWanted), Is.Null);
            Assert.That(left, Is.Empty);
            Assert.That(lab.Calls.Count(nameof(ITorrentClient.StartAsync)), Is.Zero);
        });
    }

    /// <summary>Changes a byte, and not the time of change: nobody who does not read it can know.</summary>
    private static async Task FlipByteAsync(string path, long offset)
    {
        await RunAsync("touch", "-r", path, path + ".time");
        await using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = offset;
            var value = file.ReadByte();
            file.Position = offset;
            file.WriteByte((byte)(value ^ 0xff));
        }

        await RunAsync("touch", "-r", path + ".time", path);
        File.Delete(path + ".time");
    }

    private static async Task<byte[]> HashAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return await SHA256.HashDataAsync(file);
    }

    private static ulong ReadInode(string path)
    {
        using var process = Process.Start(new ProcessStartInfo("stat", ["-c", "%i", path]) { RedirectStandardOutput = true })!;
        return ulong.Parse(process.StandardOutput.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, program);
    }

    private static string DropRights(string executable, TempDirectory folder)
    {
        if (!Environment.IsPrivilegedProcess || OperatingSystem.IsWindows())
        {
            return executable;
        }

        var script = folder["client.sh"];
        File.WriteAllText(script, $"#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search '{executable}' \"$@\"\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return script;
    }
}

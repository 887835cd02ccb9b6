using System.Diagnostics;
using System.Runtime.InteropServices;
using QbSync.Storage.IO;
using QbSync.Storage.IO.Native;

namespace QbSync.Testing.Machine;

/// <summary>A small ext4 of its own, in a file that is mounted: it can be filled, cut off and taken away. Needs root and loop devices.</summary>
public sealed class LoopMount : IDisposable
{
    /// <summary>EXT4_IOC_SHUTDOWN, as FS_IOC_GOINGDOWN of XFS: everything that is not on the device is lost, and every later call fails.</summary>
    private const uint GoingDown = 0x8004587d;

    private const uint NoLogFlush = 2;
    private readonly TempDirectory _folder = new();
    private string _device = "";

    private LoopMount()
    {
        Path = _folder.CreateFolder("mount");
        Image = _folder["image"];
    }

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    private string Image { get; }

    /// <summary>Whether this machine has the program that makes file systems of a kind, and a kernel that knows them.</summary>
    public static bool CanMake(string fileSystem) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Any(folder => File.Exists(System.IO.Path.Combine(folder, $"mkfs.{fileSystem}")))
        && File.ReadLines("/proc/filesystems").Any(line => line.Split('\t')[^1] == fileSystem);

    /// <summary>Makes one of this size and mounts it; ends the test as skipped, with the reason, where that cannot be done.</summary>
    public static LoopMount Create(int mebibytes, string fileSystem = "ext4")
    {
        var mount = new LoopMount();
        using (var image = File.Create(mount.Image))
        {
            image.SetLength((long)mebibytes << 20);
        }

        var failure = Run($"mkfs.{fileSystem}", fileSystem == "ext4" ? ["-q", "-F", "-m", "0", mount.Image] : ["-q", mount.Image]) ?? mount.TryMount();
        if (failure is not null)
        {
            mount._folder.Dispose();
            Assert.Ignore($"No loop mount of {fileSystem}: {failure}");
        }

        return mount;
    }

    /// <summary>Bytes that can be written.</summary>
    public long GetFreeBytes() => new DriveInfo(Path).AvailableFreeSpace;

    /// <summary>Somebody else fills it to the last kibibyte, with a file of this name in it.</summary>
    public void Fill(string name)
    {
        using var file = File.OpenHandle(System.IO.Path.Combine(Path, name), FileMode.Create, FileAccess.Write);
        var block = new byte[64 * 1024];
        var length = 0L;
        for (var size = block.Length; size >= 1024;)
        {
            try
            {
                RandomAccess.Write(file, block.AsSpan(0, size), length);
                length += size;
            }
            catch (IOException)
            {
                size /= 2;
            }
        }

        TestContext.Out.WriteLine($"Filled with {length} bytes; {GetFreeBytes()} are free.");
    }

    /// <summary>What was done so far is on the device, as after a while it is anyway.</summary>
    public void Flush() => Check(Run("sync", ["-f", Path]));

    /// <summary>The power goes: what was not flushed is lost, and from now on every call fails, until it is mounted again.</summary>
    public unsafe void CutPower()
    {
        using var folder = LinuxFileSystem.Create().OpenRoot(Path)!;
        var how = NoLogFlush;
        if (LibC.IoControl(folder, GoingDown, (nint)(&how)) != 0)
        {
            throw new InvalidOperationException($"The file system does not go down: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    /// <summary>Unmounts; nobody may use it.</summary>
    public void Unmount() => Check(Run("umount", [Path]));

    /// <summary>Takes it away under those who use it; they keep what they have open.</summary>
    public void UnmountLazily() => Check(Run("umount", ["-l", Path]));

    /// <summary>Mounts it again.</summary>
    public void Mount() => Check(TryMount());

    /// <inheritdoc />
    public void Dispose()
    {
        Run("umount", ["-l", Path]);
        Run("losetup", ["-d", _device]);
        _folder.Dispose();
    }

    private string? TryMount()
    {
        if (_device.Length == 0)
        {
            var failure = Run("losetup", ["--find", "--show", Image], out _device);
            if (failure is not null)
            {
                return failure;
            }
        }

        return Run("mount", [_device, Path]);
    }

    private static void Check(string? failure)
    {
        if (failure is not null)
        {
            throw new InvalidOperationException(failure);
        }
    }

    private static string? Run(string program, string[] arguments) => Run(program, arguments, out _);

    /// <summary>Null when it went well, else why not.</summary>
    private static string? Run(string program, string[] arguments, out string output)
    {
        output = "";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            output = process.StandardOutput.ReadToEnd().Trim();
            var errors = process.StandardError.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{program}: {errors}";
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return $"{program}: {exception.Message}";
        }
    }
}

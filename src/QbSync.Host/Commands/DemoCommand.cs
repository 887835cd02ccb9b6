using System.CommandLine;
using Microsoft.Extensions.Logging;
using QbSync.Host.Commands.Demo;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;
using Spectre.Console;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync demo</c>: proves the product on this machine.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var seed = new Option<ulong?>("--seed") { Description = "Make the same content again." };
        var directory = new Option<string?>("--dir") { Description = "Folder to make the demo in; must not exist or be empty. Default: a new one for temporary files." };
        var delete = new Option<bool>("--delete") { Description = "Delete the folder afterwards." };
        var hold = new Option<bool>("--hold") { Description = "Wait for Ctrl-C before the end." };
        var verify = new Option<string?>("--verify") { Description = "Prove the folder of an earlier demo again." };
        var real = new Option<bool>("--qbittorrent") { Description = "Run between real qBittorrent processes, started for it in the folder." };
        var level = new Option<string>("--log-level") { Description = "Least level of a log line.", DefaultValueFactory = _ => "warn" };
        level.AcceptOnlyFromAmong("trace", "debug", "info", "warn", "warning", "error");
        var command = new Command("demo", "Make three torrents, sync them between two roles on this machine, and prove the copy.")
        {
            seed, directory, delete, hold, verify, real, level,
        };
        command.SetAction((result, _) => result.GetValue(verify) is { } folder
            ? Task.FromResult(Verify(folder))
            : RunAsync(
                result.GetValue(seed) ?? (ulong)new Random().NextInt64(),
                result.GetValue(directory),
                result.GetValue(delete),
                result.GetValue(hold),
                result.GetValue(real),
                LogLines.ParseLevel(result.GetValue(level)!)));
        return command;
    }

    private static async Task<int> RunAsync(ulong seed, string? directory, bool delete, bool hold, bool real, LogLevel level)
    {
        using var lines = new LogLines(Console.Error, LogFormat.Console, level, new Redactor([]), TimeProvider.System);
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
        using var signals = new Signals();
        var executable = real ? QBittorrentProcesses.FindExecutable() : null;
        if (real && executable is null)
        {
            await Console.Error.WriteLineAsync("qbittorrent-nox is not on the path. Install it (Debian, Ubuntu: apt-get install qbittorrent-nox), or name it by QBSYNC_QBITTORRENT.");
            return ExitCodes.CouldNotStart;
        }

        if (directory is not null && Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
        {
            await Console.Error.WriteLineAsync($"{directory} is not empty. Name another folder.");
            return ExitCodes.Usage;
        }

        var folder = directory is null ? Directory.CreateTempSubdirectory("qbsync-demo-").FullName : Directory.CreateDirectory(directory).FullName;
        var code = await ProveAsync(seed, folder, executable, loggers, signals);
        if (hold && code == ExitCodes.Done)
        {
            Console.WriteLine("Press Ctrl-C to end.");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, signals.Graceful).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        if (delete && code == ExitCodes.Done)
        {
            Directory.Delete(folder, recursive: true);
        }
        else
        {
            Console.WriteLine($"Everything is in {folder}. Prove it again: qbsync demo --verify {folder}");
        }

        return code;
    }

    private static async Task<int> ProveAsync(ulong seed, string folder, string? executable, ILoggerFactory loggers, Signals signals)
    {
        await using IDemoStage stage = executable is null
            ? new FolderStage(folder, loggers, TimeProvider.System)
            : new QBittorrentStage(folder, executable, loggers, TimeProvider.System);
        try
        {
            return Report(await new DemoRun(stage, folder, AnsiConsole.Console, loggers, TimeProvider.System).RunAsync(seed, signals.Graceful));
        }
        catch (OperationCanceledException) when (signals.Graceful.IsCancellationRequested)
        {
            Console.WriteLine("Stopped.");
            return ExitCodes.ForcedByInterrupt;
        }
        catch (Exception error) when (error is IOException or QbSyncException or InvalidOperationException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"The demo failed: {error.Message}");
            return ExitCodes.Failed;
        }
    }

    private static int Verify(string folder)
    {
        try
        {
            if (ProofRecord.Load(folder) is { } record)
            {
                return Report(IndependentProof.FindFaults(record, folder));
            }
        }
        catch (Exception error) when (error is IOException or System.Text.Json.JsonException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(error.Message);
        }

        Console.Error.WriteLine($"{folder} holds no demo that came to its proof.");
        return ExitCodes.Usage;
    }

    private static int Report(IReadOnlyList<string> faults)
    {
        foreach (var fault in faults)
        {
            Console.WriteLine($"WRONG {fault}");
        }

        Console.WriteLine(faults.Count == 0 ? "Proved: every file by SHA-256, every piece by its hash." : $"Not proved: {faults.Count} faults.");
        return faults.Count == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }
}

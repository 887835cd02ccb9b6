using System.CommandLine;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync reference FOLDER</c>: writes the pages that are made from the catalog of options. For those who change the program, so help does not show it.</summary>
internal static class ReferenceCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "Where the pages are kept: docs." };
        var command = new Command("reference", "Write the pages that are made from the catalog of options.") { folder };
        command.Hidden = true;
        command.SetAction(async (result, cancellationToken) =>
        {
            var into = Path.GetFullPath(result.GetValue(folder)!);
            if (!Directory.Exists(into))
            {
                await Console.Error.WriteLineAsync($"{into} is no folder.");
                return ExitCodes.Usage;
            }

            await File.WriteAllTextAsync(Path.Join(into, Path.GetFileName(ReferencePage.Path)), ReferencePage.Make(), cancellationToken);
            await File.WriteAllTextAsync(Path.Join(into, Path.GetFileName(ReferenceSchema.Path)), ReferenceSchema.Make(), cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }
}

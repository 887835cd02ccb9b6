using BothEnds;

// Both engines in one process, without a network: BothEnds SOURCE DESTINATION [--container]
// Each folder has .torrent files in torrents and content in data. It ends when everything of the source is at the destination.
if (args is not [var source, var destination, .. var more])
{
    Console.Error.WriteLine("Usage: BothEnds SOURCE DESTINATION [--container]");
    return 2;
}

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    interrupted.Cancel();
};
var (from, to) = (new Machine(source), new Machine(destination));
return await (more is ["--container"] ? InContainers.SyncAsync(from, to, interrupted.Token) : ByConstructor.SyncAsync(from, to, interrupted.Token));

using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>What names a torrent on the wire, and what cannot be said there at all.</summary>
internal sealed class IdsTests
{
    private static readonly Dictionary<string, Func<CallInvoker, CallOptions, ByteString, Task>> Verbs = new()
    {
        ["GetStatus"] = (invoker, options, id) => invoker.AsyncUnaryCall(SyncMethods.GetStatus, null, options, new GetStatusRequest { Id = { id } }).ResponseAsync,
        ["Init"] = (invoker, options, id) => UploadAsync(invoker.AsyncClientStreamingCall(SyncMethods.Init, null, options), new InitPart
        {
            Header = new InitHeader { Id = id, Selection = WireMapping.ToWire(new byte[] { 0x80 }), Place = new Place(), Parameters = new Parameters() },
        }),
        ["Finalize"] = (invoker, options, id) => UploadAsync(invoker.AsyncClientStreamingCall(SyncMethods.Finalize, null, options), new FinalizePart
        {
            Header = new FinalizeHeader { Id = id, Parameters = new Parameters(), Place = new Place() },
        }),
        ["Prove"] = (invoker, options, id) =>
            invoker.AsyncUnaryCall(SyncMethods.Prove, null, options, new ProveRequest { Id = id, Nonce = WireMapping.ToWire(new byte[] { 1 }) }).ResponseAsync,
        ["Start"] = (invoker, options, id) => invoker.AsyncUnaryCall(SyncMethods.Start, null, options, new StartRequest { Id = id, Parameters = new Parameters() }).ResponseAsync,
        ["Withdraw"] = (invoker, options, id) => invoker.AsyncUnaryCall(SyncMethods.Withdraw, null, options, new WithdrawRequest { Id = id }).ResponseAsync,
        ["ConfirmHandoff"] = (invoker, options, id) => invoker.AsyncUnaryCall(SyncMethods.ConfirmHandoff, null, options, new ConfirmHandoffRequest { Id = id }).ResponseAsync,
        ["Abort"] = (invoker, options, id) => invoker.AsyncUnaryCall(SyncMethods.Abort, null, options, new AbortRequest { Id = id }).ResponseAsync,
    };

    /// <summary>No verb reaches the destination with one, so there is nothing that could touch a disk.</summary>
    [Test]
    [DestinationCase(1)]
    public async Task Verbs_WithAnIdThatIsNone_AreMalformedAndReachNobody()
    {
        byte[][] ids = [[], new byte[19], new byte[21], new byte[31], new byte[33], Encoding.ASCII.GetBytes(".."), Encoding.ASCII.GetBytes("../../../../../etc/passw")];
        using var logs = new LogErrorGuard();
        var fake = new FakeDestination();
        await using var server = await DestinationServer.StartAsync(fake, logs);
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{server.Port}");
        var invoker = channel.CreateCallInvoker();
        var hello = await invoker.AsyncUnaryCall(
            SyncMethods.Hello, null, default, new HelloRequest { Lowest = 1, Highest = 9, SourceId = WireMapping.ToWire(new byte[16]), Name = "x" }).ResponseAsync.DefaultTimeout();
        var options = new CallOptions(new Metadata { { SyncLimits.SessionKey, hello.Session.ToByteArray() } });
        var known = await Record(() => Verbs["Withdraw"](invoker, options, WireMapping.ToWire(new byte[20])));
        Assert.That(known, Is.Null, "with an id of 20 bytes it goes through");
        var reached = fake.Requests.Count;

        Assert.That(Verbs.Keys.Order(), Is.EqualTo(Named("Sync").Except(["Hello", "Watch", "StreamPieces"]).Order()), "each verb that names a torrent");
        foreach (var (name, call) in Verbs)
        {
            foreach (var id in ids)
            {
                Assert.That((await Record(() => call(invoker, options, WireMapping.ToWire(id))))?.StatusCode, Is.EqualTo(StatusCode.InvalidArgument), $"{name} with {id.Length} bytes");
            }
        }

        Assert.That(fake.Requests, Has.Count.EqualTo(reached));
        logs.Verify();
    }

    /// <summary>The manifest alone says what pieces there are, how they hash and where they lie.</summary>
    [Test]
    [DestinationCase(5)]
    public void Messages_OfTheSource_HaveNoFieldForHashesSizesOrPlacesOfPieces()
    {
        var seen = new HashSet<MessageDescriptor>();
        foreach (var root in (MessageDescriptor[])[InitPart.Descriptor, FinalizePart.Descriptor, SourceFrame.Descriptor, StartRequest.Descriptor, AbortRequest.Descriptor])
        {
            Collect(root, seen);
        }

        var fields = seen.SelectMany(static message => message.Fields.InDeclarationOrder().Select(static field => $"{field.ContainingType.Name}.{field.Name}"));
        var suspicious = fields.Where(static field => new[] { "hash", "sha", "merkle", "root", "size", "length", "bytes", "offset", "pieces" }
            .Any(word => field[(field.IndexOf('.', StringComparison.Ordinal) + 1)..].Split('_').Contains(word)));
        Assert.That(suspicious, Is.EquivalentTo(new[]
        {
            "InitHeader.torrent_bytes", // how much of the .torrent follows
            "Place.root", // name of a configured folder
            "FileEntry.size", // identity of a file at the source, for links
            "PieceChunk.offset", // where in its piece a chunk begins; checked against the manifest
        }));
    }

    private static void Collect(MessageDescriptor message, HashSet<MessageDescriptor> seen)
    {
        if (seen.Add(message))
        {
            foreach (var field in message.Fields.InDeclarationOrder().Where(static field => field.FieldType == FieldType.Message))
            {
                Collect(field.MessageType, seen);
            }
        }
    }

    private static IEnumerable<string> Named(string service) =>
        InitPart.Descriptor.File.Services.Single(one => one.Name == service).Methods.Select(static method => method.Name);

    private static async Task UploadAsync<TPart, TReply>(AsyncClientStreamingCall<TPart, TReply> call, TPart part)
    {
        using (call)
        {
            try
            {
                await call.RequestStream.WriteAsync(part);
                await call.RequestStream.CompleteAsync();
            }
            catch (RpcException)
            {
                // The answer, which is read below, says why.
            }

            await call.ResponseAsync;
        }
    }

    private static async Task<RpcException?> Record(Func<Task> call)
    {
        try
        {
            await call().DefaultTimeout();
            return null;
        }
        catch (RpcException fault)
        {
            return fault;
        }
    }
}

using Grpc.Core;
using QbSync.Testing.Specifications;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Wire;

internal sealed class StatusMappingTests
{
    [TestCase(StatusCode.Unavailable, PeerFault.Unreachable)]
    [TestCase(StatusCode.Aborted, PeerFault.Unreachable)]
    [TestCase(StatusCode.Internal, PeerFault.Unreachable)]
    [TestCase(StatusCode.Unknown, PeerFault.Unreachable)]
    [TestCase(StatusCode.DataLoss, PeerFault.Unreachable)]
    [TestCase(StatusCode.Cancelled, PeerFault.Unreachable)]
    [TestCase(StatusCode.FailedPrecondition, PeerFault.Unreachable)]
    [TestCase(StatusCode.NotFound, PeerFault.Unreachable)]
    [TestCase(StatusCode.DeadlineExceeded, PeerFault.Timeout)]
    [TestCase(StatusCode.Unauthenticated, PeerFault.NotTrusted)]
    [TestCase(StatusCode.PermissionDenied, PeerFault.NotTrusted)]
    [TestCase(StatusCode.ResourceExhausted, PeerFault.Limit)]
    [TestCase(StatusCode.Unimplemented, PeerFault.ProtocolMismatch)]
    [TestCase(StatusCode.InvalidArgument, PeerFault.Malformed)]
    [TestCase(StatusCode.OutOfRange, PeerFault.Malformed)]
    [TransportCase(11)]
    public void Status_AtTheSource_BecomesItsFault(StatusCode status, PeerFault fault)
    {
        var error = StatusMapping.ToPeerException(new RpcException(new Status(status, "why")), "Init", "nas:1");
        Assert.That(error.Fault, Is.EqualTo(fault));
        Assert.That(error.Message, Does.StartWith("Init: ").And.Contains("nas:1").And.EndsWith("why"));
    }

    [TestCase(StatusCode.PermissionDenied, true)]
    [TestCase(StatusCode.Unauthenticated, true)]
    [TestCase(StatusCode.Unavailable, false)]
    [TestCase(StatusCode.ResourceExhausted, false)]
    [MetricCase("C27")]
    public void Identity_Refused_IsNoStreamThatDidNotOpen(StatusCode status, bool isRefused)
    {
        Assert.That(StatusMapping.IsRefusedIdentity(new RpcException(new Status(status, "why"))), Is.EqualTo(isRefused));
        var here = new PeerException(PeerFault.NotTrusted, "not trusted");
        Assert.That(StatusMapping.IsRefusedIdentity(here), Is.True);
        Assert.That(StatusMapping.IsRefusedIdentity(new RpcException(new Status(StatusCode.Unavailable, "", here))), Is.True, "refused where the connection was made");
        Assert.That(StatusMapping.IsRefusedIdentity(new IOException()), Is.False);
    }

    [Test]
    public void Fault_OfTheServer_IsTheSameAtTheSource()
    {
        // IsSelf crosses as a refusal of Hello, never as a status.
        foreach (var fault in Enum.GetValues<PeerFault>().Where(fault => fault != PeerFault.IsSelf))
        {
            var there = StatusMapping.ToRpcException(new PeerException(fault, "m"));
            Assert.That(StatusMapping.ToPeerException(there, "v", "a").Fault, Is.EqualTo(fault));
        }
    }

    [Test]
    public void HelloNeeded_IsSeenByItsTrailer()
    {
        Assert.That(StatusMapping.IsHelloNeeded(StatusMapping.HelloNeeded()), Is.True);
        Assert.That(StatusMapping.IsHelloNeeded(new RpcException(new Status(StatusCode.FailedPrecondition, "hello"))), Is.False);
    }
}

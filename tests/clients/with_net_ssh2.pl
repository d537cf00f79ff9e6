# Perl's Net::SSH2, which is libssh2.
use strict;
use warnings;
use Net::SSH2;

sub connection {
    my ($login) = @_;
    my $ssh = Net::SSH2->new(timeout => 240000);
    $ssh->connect('127.0.0.1', $ENV{VMC_PORT}) or die $ssh->error;
    # Its policy "strict" takes a key of which nothing is known.
    $ssh->check_hostkey(sub { 0 }, $ENV{VMC_KNOWN_HOSTS}) or die $ssh->error;
    $ssh->auth_publickey($login, "$ENV{VMC_KEY}.pub", $ENV{VMC_KEY}) or die $ssh->error;
    return $ssh;
}

sub end_of {
    my ($channel) = @_;
    1 while $channel->read(my $more, 4096);
    $channel->wait_closed;
    return $channel->exit_status;
}

sub status {
    my ($ssh, $verb) = @_;
    my $channel = $ssh->channel or die $ssh->error;
    $channel->exec($verb) or die $ssh->error;
    return end_of($channel);
}

my $ssh = connection($ENV{VMC_VM});
print 'wait: ', status($ssh, "wait --timeout 1 'nothing like this'"), "\n";
print 'unknown VM: ', status(connection('nobody'), 'status'), "\n";
my $console = $ssh->channel;
$console->pty('vt100');
$console->exec('attach --lines 0');
my $seen = '';

sub await {
    my ($pattern) = @_;
    until ($seen =~ $pattern) {
        $console->read(my $more, 4096) or die "ended after: $seen";
        $seen .= $more;
    }
}

await(qr/you have the keyboard/);
$console->write("say hello Net::SSH2\r");
await(qr/\nhello \S+\r\n/);
print 'console: ', $seen =~ /\n(hello \S+)\r\n/, "\n";
$console->write("\x1d.");
print 'end: ', end_of($console), "\n";
print 'panic: ', status($ssh, 'send --enter --wait never panic'), "\n";

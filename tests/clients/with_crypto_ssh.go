// Go's x/crypto/ssh. A session that ends without an exit status is an ExitMissingError there.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func connection(login string) *ssh.Client {
	key := must(ssh.ParsePrivateKey(must(os.ReadFile(os.Getenv("VMC_KEY")))))
	return must(ssh.Dial("tcp", "127.0.0.1:"+os.Getenv("VMC_PORT"), &ssh.ClientConfig{
		User: login, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback:   must(knownhosts.New(os.Getenv("VMC_KNOWN_HOSTS"))),
	}))
}

func status(err error) int {
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus()
	}
	must(0, err)
	return 0
}

func await(output *bufio.Reader, pattern string) string {
	for seen := ""; ; seen += string(must(output.ReadByte())) {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(seen); found != nil {
			return found[1]
		}
	}
}

func converse(session *ssh.Session) int {
	must(0, session.RequestPty("vt100", 24, 80, ssh.TerminalModes{}))
	input := must(session.StdinPipe())
	output := bufio.NewReader(must(session.StdoutPipe()))
	must(0, session.Start("attach --lines 0"))
	await(output, "(you have the keyboard)")
	must(io.WriteString(input, "say hello Go\r"))
	fmt.Println("console:", await(output, `\n(hello \w+)\r\n`))
	must(io.WriteString(input, "\x1d."))
	must(io.Copy(io.Discard, output))
	return status(session.Wait())
}

func main() {
	client := connection(os.Getenv("VMC_VM"))
	fmt.Println("wait:", status(must(client.NewSession()).Run("wait --timeout 1 'nothing like this'")))
	fmt.Println("unknown VM:", status(must(connection("nobody").NewSession()).Run("status")))
	fmt.Println("end:", converse(must(client.NewSession())))
	fmt.Println("panic:", status(must(client.NewSession()).Run("send --enter --wait never panic")))
}

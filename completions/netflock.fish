# fish completion for netflock(1)
# SPDX-License-Identifier: MIT

# Options that take a value, by letter and by word.
set -g __netflock_letters w E t k T u
set -g __netflock_values --wait --timeout --conflict-exit-code --slots --with --ttl --min-hold --once-per --jitter --if-unreachable --report --keep-history --log --reason --kill-after --signal \
    --on-lost --max-runtime --pid --add --interval --token --match --config --url --user --password-file --cacert --cert \
    --key --sni --connect-timeout --io-timeout --prefix

# The letter in a cluster that takes a value, and what follows it: "-nw5m" is w and 5m.
function __netflock_cluster -a word
    set -l letters (string split '' -- (string sub -s 2 -- $word))
    for i in (seq (count $letters))
        if contains -- $letters[$i] $__netflock_letters
            echo $letters[$i]
            string sub -s (math $i + 2) -- $word
            return
        end
    end
end

# The words before the cursor without options and their values, the first one
# always a subcommand ("run" if it is left out, "any" if nothing is there yet);
# everything behind the lock's name is left as it is.
function __netflock_operands
    set -l words (commandline -opc)
    set -l sub any
    set -l skip no
    set -l ended no
    set -e words[1]
    while test (count $words) -gt 0
        set -l word $words[1]
        if test $skip = yes
            set skip no
        else if test $ended = yes
            # a name, whatever it looks like
            test $sub = any; and set sub run
            break
        else if test "$word" = --
            set ended yes
        else if contains -- $word $__netflock_values
            set skip yes
        else if string match -q -- '--*' $word
            # no value, or one after "="
        else if string match -qr -- '^-.' $word
            set -l cluster (__netflock_cluster $word)
            test (count $cluster) -gt 0; and test -z "$cluster[2]"; and set skip yes
        else if test $sub = any; and contains -- $word run help status history reset reset-all acquire renew release held doctor
            set sub $word
        else
            test $sub = any; and set sub run
            break
        end
        set -e words[1]
    end
    test $ended = yes; and test $sub = any; and set sub run
    echo $sub
    string join -- \n $words
end

# Whether the subcommand is one of the arguments, and, of run, no name is there yet.
function __netflock_in
    set -l words (__netflock_operands)
    contains -- $words[1] $argv; or return 1
    contains -- $words[1] status reset doctor; or test (count $words) -eq 1
end

function __netflock_in_command
    set -l words (__netflock_operands)
    test "$words[1]" = run; and test (count $words) -gt 1; and not test "$words[3]" = -c
end

function __netflock_at_command
    set -l words (__netflock_operands)
    test "$words[1]" = run; and test (count $words) -eq 2
end

# The options before the cursor that say which server to ask.
function __netflock_server
    set -l words (commandline -opc)
    set -l i 2
    while test $i -le (count $words)
        set -l word $words[$i]
        set -l cluster
        string match -qr -- '^-[^-]' $word; and set cluster (__netflock_cluster $word)
        switch "$word"
            case --config --url --user --password-file --cacert --cert --key --sni --prefix
                set i (math $i + 1)
                test $i -le (count $words); and printf '%s\n' $word $words[$i]
            case '--config=*' '--url=*' '--user=*' '--password-file=*' '--cacert=*' '--cert=*' '--key=*' '--sni=*' '--prefix=*' --insecure
                echo -- $word
            case '-*'
                if test "$cluster[1]" = u; and test -n "$cluster[2]"
                    printf '%s\n' -u $cluster[2]
                else if test -n "$cluster[1]"; and test -z "$cluster[2]"
                    set i (math $i + 1)
                    test "$cluster[1]" = u; and test $i -le (count $words); and printf '%s\n' -u $words[$i]
                end
        end
        set i (math $i + 1)
    end
end

# Names of the locks that there are: asks the server, silently, and for 300 ms
# at most.
function __netflock_names
    timeout 0.3 netflock status --names --connect-timeout 300ms (__netflock_server) 2>/dev/null
end

# A number may be of any unit.
function __netflock_durations
    set -l typed (string replace -r '^(--[a-z-]+=|-[a-zA-Z]+)' '' -- (commandline -ct))
    if string match -qr '^[0-9]+$' -- $typed
        printf '%s\n' $typed{ms,s,m,h,d}
    else
        printf '%s\n' 500ms 2s 10s 30s 5m 1h
    end
end

# Behind the name: what the command itself completes.
function __netflock_command
    set -l words (__netflock_operands)
    set -e words[1..2]
    test "$words[1]" = --; and set -e words[1]
    complete -C "$(string join ' ' -- (string escape -- $words) (commandline -ct))"
end

complete -c netflock -f
complete -c netflock -n '__netflock_in any' -a run -d 'Run a command under a lock'
complete -c netflock -n '__netflock_in any' -a help -d 'Print help'
complete -c netflock -n '__netflock_in any' -a status -d 'Show locks'
complete -c netflock -n '__netflock_in any' -a history -d 'Show the last runs under a lock'
complete -c netflock -n '__netflock_in any' -a reset -d 'Take locks away'
complete -c netflock -n '__netflock_in any' -a reset-all -d 'Take all locks away'
complete -c netflock -n '__netflock_in any' -a acquire -d 'Take a lock for a script'
complete -c netflock -n '__netflock_in any' -a renew -d 'Extend its lease'
complete -c netflock -n '__netflock_in any' -a release -d 'Give it back'
complete -c netflock -n '__netflock_in any' -a held -d 'Tell whether it is held still'
complete -c netflock -n '__netflock_in help' -a 'run help status history reset reset-all acquire renew release held doctor'
complete -c netflock -n '__netflock_in any run status history reset acquire renew release held doctor' -a '(__netflock_names)' -d Lock
complete -c netflock -n '__netflock_in any' -a doctor -d 'Examine the server'
complete -c netflock -n __netflock_in_command -a '(__netflock_command)'
complete -c netflock -n __netflock_at_command -s c -x -d 'Run a shell command'

set -l opt complete -c netflock -n '__netflock_in any run acquire'
$opt -s n -l nonblock -d 'One attempt, then "busy"'
$opt -s w -l wait -l timeout -x -a '(__netflock_durations)' -d 'Wait at most that long'
$opt -s E -l conflict-exit-code -x -a '0 75' -d 'Status for "busy"'
$opt -s x -s e -l exclusive -d 'Hold the lock alone (the default)'
$opt -s s -l shared -d 'Hold it together with all who do so'
$opt -l slots -x -d 'At most that many hold it at a time'
$opt -l with -x -a '(__netflock_names)' -d 'Take this lock, too, or none'
$opt -l min-hold -x -a '(__netflock_durations)' -d 'Keep the lock at least that long'
$opt -l jitter -x -a '(__netflock_durations)' -d 'Random delay before the first attempt'
$opt -l reason -x -d 'Why, for those who wait'
$opt -s k -l kill-after -x -a '(__netflock_durations)' -d 'Between TERM and KILL'
$opt -l signal -x -a '{,SIG}{TERM,INT,HUP,QUIT,USR1,USR2,KILL}' -d 'First signal to stop it with'
$opt -l on-lost -x -a 'kill warn' -d 'When the lock is lost'
complete -c netflock -n '__netflock_in any run acquire renew' -s t -l ttl -x -a '(__netflock_durations)' -d Lease

set opt complete -c netflock -n '__netflock_in any run'
$opt -l once-per -x -a '(__netflock_durations)' -d 'Skip if a run succeeded that began in that time'
$opt -l if-unreachable -x -a 'fail wait run' -d 'No server'
$opt -s T -l max-runtime -x -a '(__netflock_durations)' -d 'Stop the command after that long'
$opt -l wait-all -d 'Hold the lock until its children end'
$opt -l kill-all -d 'Kill the children it leaves behind'
$opt -l scrub-env -d 'Hide the server from the command'
$opt -l report -r -F -d 'Write how it went there'
$opt -l keep-history -x -a '0 20 100 1000' -d 'Runs that history can show'
$opt -s o -l close -d 'Nothing: as in flock'

complete -c netflock -n '__netflock_in acquire' -l pid -x -a '(__fish_complete_pids)' -d 'Renew as long as it lives'
complete -c netflock -n '__netflock_in renew' -l add -x -a '(__netflock_durations)' -d 'Longer than what is left'
complete -c netflock -n '__netflock_in acquire held' -l fence -d 'Print the fence number'

complete -c netflock -n '__netflock_in status history doctor' -l json -d 'Print JSON, for programs'
set opt complete -c netflock -n '__netflock_in status'
$opt -l watch -d 'Look again and again'
$opt -l interval -x -a '(__netflock_durations)' -d 'Between two looks of --watch'
$opt -l names -d 'Print the names only'

set opt complete -c netflock -n '__netflock_in doctor'
$opt -l show-config -d 'Print the settings'

set opt complete -c netflock -n '__netflock_in reset reset-all'
$opt -l now -d 'Free at once, while the command may still run'
complete -c netflock -n '__netflock_in reset acquire' -l token -x -d 'Which holder'
set opt complete -c netflock -n '__netflock_in reset-all'
$opt -l match -x -d 'Only locks whose name matches'
$opt -l dry-run -d 'Say what would be done'
$opt -l force -d 'Do not ask'

set opt complete -c netflock -n '__netflock_in any run status history reset reset-all acquire renew release held doctor'
$opt -l config -r -F -d Settings
$opt -s u -l url -r -a 'redis:// rediss:// unix:///' -d Server
$opt -l user -x -d 'ACL user'
$opt -l password-file -r -F -d 'Holds the password'
$opt -l cacert -r -F -d 'CAs that vouch for the server'
$opt -l cert -r -F -d 'Our certificate'
$opt -l key -r -F -d 'Its private key'
$opt -l sni -x -d 'The name of the server'
$opt -l insecure -d 'Do not verify its certificate'
$opt -l connect-timeout -x -a '(__netflock_durations)' -d 'Until the server first answers'
$opt -l io-timeout -x -a '(__netflock_durations)' -d 'For one request'
$opt -l prefix -x -d 'First part of the keys'

set opt complete -c netflock -n '__netflock_in any run help status history reset reset-all acquire renew release held doctor'
$opt -s q -l quiet -d 'Say nothing but usage errors'
$opt -s v -l verbose -d 'Say what happens'
$opt -l log -x -a 'text json' -d 'Form of messages'
$opt -l syslog -d 'Messages go to the system log'
$opt -s h -l help -d 'Print help'
$opt -s V -l version -d 'Print the version'

# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Certificates for tests of TLS, in the directory $CERTS: NAME.pem with its key NAME.key.   load certificates

# A CA, which can sign.
certificates_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
		-keyout "$CERTS/$1.key" -out "$CERTS/$1.pem" 2>/dev/null
}

# certificates_make NAME EXTENSIONS [CA [FROM TO]]: one line per extension; times as YYYYMMDDHHMMSSZ.
certificates_make() {
	local name=$1 extensions=$2 ca=${3:-ca} from=${4:-20250101000000Z} to=${5:-20451231000000Z}
	(
		cd "$CERTS" || exit
		mkdir "$name.d"
		: >"$name.d/index"
		printf '%s\n' '[ca]' default_ca=d '[d]' "database=$name.d/index" "new_certs_dir=$name.d" \
			default_md=sha256 policy=p rand_serial=yes '[p]' commonName=supplied >"$name.d/conf"
		echo "$extensions" >"$name.d/extensions"
		openssl req -new -newkey "${KEY_TYPE:-ec}" -pkeyopt "${KEY_SIZE:-ec_paramgen_curve:P-256}" -nodes \
			-subj "/CN=$name" -keyout "$name.key" -out "$name.d/request" &&
			openssl ca -batch -notext -config "$name.d/conf" -cert "$ca.pem" -keyfile "$ca.key" \
				-extfile "$name.d/extensions" -startdate "$from" -enddate "$to" \
				-in "$name.d/request" -out "$name.pem"
	) 2>"$CERTS/$name.log" >&2 || { cat "$CERTS/$name.log" >&2; return 1; }
}

# All that tls.bats needs.
certificates_all() {
	local here='subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'
	certificates_ca ca
	certificates_ca stranger
	certificates_make good "$here"
	certificates_make unknown "$here" stranger
	certificates_make expired "$here" ca 20200101000000Z 20200102000000Z
	certificates_make early "$here" ca 20450101000000Z
	certificates_make elsewhere 'subjectAltName=DNS:db2.example,IP:192.0.2.2'
	certificates_make purpose "$here
extendedKeyUsage=clientAuth"
	KEY_TYPE=rsa KEY_SIZE=rsa_keygen_bits:1024 certificates_make weak "$here"
	certificates_make client 'extendedKeyUsage=clientAuth'
	openssl req -x509 -key "$CERTS/good.key" -days 30 -subj /CN=self -addext "$here" -out "$CERTS/self.pem" 2>/dev/null
	cp "$CERTS/good.key" "$CERTS/self.key"
	openssl ec -aes128 -passout pass:word -in "$CERTS/client.key" -out "$CERTS/locked.key" 2>/dev/null
	chmod 600 "$CERTS"/*.key
}

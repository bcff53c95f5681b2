# To be sourced: `debian_arm64 FOLDER SUITE APT_ARGUMENT...` has apt-get bring packages for arm64 of a suite
# into a new FOLDER, from where this system's come, and changes nothing of this system's own.
debian_arm64() {
    local folder=$1 suite=$2 mirror
    shift 2
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' | grep -m 1 '/debian/$')
    mkdir -p "$folder"/{apt,lists/partial,partial}
    echo "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
        > "$folder/apt/sources.list"
    : > "$folder/apt/status"
    cat > "$folder/apt/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$folder/apt";
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/apt/status";
Dir::Cache::archives "$folder";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF
    (
        cd "$folder"
        export APT_CONFIG=$folder/apt/apt.conf
        apt-get -qq update
        apt-get -qq -y "$@" > /dev/null
    )
}

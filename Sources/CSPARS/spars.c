// SwiftPM wants one source file in a C target; the contract is all in the header.
#include "spars.h"

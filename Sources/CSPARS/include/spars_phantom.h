#ifndef SPARS_PHANTOM_H
#define SPARS_PHANTOM_H

#endif

#ifndef SPARS_VOLUME_H
#define SPARS_VOLUME_H

#endif

#ifndef SPARS_SELFPLAY_H
#define SPARS_SELFPLAY_H

#endif

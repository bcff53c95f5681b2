#ifndef SPARS_GAME_H
#define SPARS_GAME_H

#endif

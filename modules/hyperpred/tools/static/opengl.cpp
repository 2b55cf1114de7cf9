// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// OpenCV's core asks the OpenGL library for functions when something is drawn with it, which no tool does. Debian has
// no static OpenGL; without this the tool would need the shared one and the display server's libraries behind it.
extern "C" void (*glXGetProcAddressARB(const unsigned char*))() {
    return nullptr;
}

<?php
/**
 * The files that decide who listens: which this request loaded, and which are there now.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Files of active plugins, of must-use plugins and of the theme.
 */
final class Record_Files {

	/**
	 * What the record must be begun anew for: plugins, must-use files and theme, with the versions of all of them.
	 *
	 * A must-use file that was loaded and is gone, or came too late to be loaded, gives one that no other request has.
	 *
	 * @return string
	 */
	public static function fingerprint(): string {
		clearstatcache();
		$facts = array( LEARNOMY_BACKEND_VERSION, Record::VERSION );
		foreach ( self::all() as $file => $is_loaded ) {
			$facts[] = $file . ( is_file( $file ) ? ' ' . filemtime( $file ) . ' ' . filesize( $file ) : '' ) . ( $is_loaded ? '' : ' too late' );
		}
		return md5( implode( "\n", $facts ) );
	}

	/**
	 * Whether this request may have run what stood in a file before it was changed, as compiled code is kept a moment.
	 *
	 * @return bool
	 */
	public static function may_be_outdated(): bool {
		$kept = ini_get( 'opcache.enable' ) && ini_get( 'opcache.validate_timestamps' ) ? (int) ini_get( 'opcache.revalidate_freq' ) : 0;
		if ( 0 === $kept ) {
			return false;
		}
		$changed = 0;
		foreach ( array_keys( self::all() ) as $file ) {
			// Not the time of modification, which an unpacked archive brings along.
			$changed = is_file( $file ) ? max( $changed, (int) filectime( $file ) ) : $changed;
		}
		$began = isset( $_SERVER['REQUEST_TIME'] ) ? (int) $_SERVER['REQUEST_TIME'] : time();
		return $began - $changed <= $kept;
	}

	/**
	 * Whether an owner's files are there. Of those that are not known nobody can say so.
	 *
	 * @param string $owner Owner, as Record_Scan names it.
	 * @return bool
	 */
	public static function has_owner( string $owner ): bool {
		list( $kind, $name ) = array_pad( explode( ':', $owner, 2 ), 2, '' );
		if ( 'mu' === $kind ) {
			return file_exists( WPMU_PLUGIN_DIR . '/' . $name );
		}
		if ( 'theme' === $kind ) {
			return '' !== self::theme_folder( $name );
		}
		return 'unknown' === $owner || file_exists( WP_PLUGIN_DIR . '/' . $owner );
	}

	/**
	 * Active plugins of the site and the network, whatever a filter hides of them on this page.
	 *
	 * @return string[]
	 */
	public static function active_plugins(): array {
		$site    = maybe_unserialize( self::raw_option( 'active_plugins' ) );
		$network = maybe_unserialize( self::network_plugins() );
		return array_map( 'strval', array_merge( is_array( $site ) ? $site : array(), is_array( $network ) ? array_keys( $network ) : array() ) );
	}

	/**
	 * An option as it stands in the table, which is what the backend compares with.
	 *
	 * @param string $name Autoloaded option.
	 * @return string
	 */
	public static function raw_option( string $name ): string {
		$all = wp_load_alloptions();
		return isset( $all[ $name ] ) ? (string) $all[ $name ] : (string) maybe_serialize( get_option( $name ) );
	}

	/**
	 * The network's plugins as they stand in its table; '' on a single site, and where none ever was.
	 *
	 * @return string
	 */
	public static function network_plugins(): string {
		if ( ! is_multisite() ) {
			return '';
		}
		$plugins = wp_cache_get( get_current_network_id() . ':active_sitewide_plugins', 'site-options' );
		$plugins = false === $plugins ? get_site_option( 'active_sitewide_plugins' ) : $plugins;
		return false === $plugins ? '' : (string) maybe_serialize( $plugins );
	}

	/**
	 * All files that count, by their paths: whether this request has loaded them, as far as that is asked.
	 *
	 * @return array<string, bool>
	 */
	private static function all(): array {
		$files = self::must_use();
		foreach ( self::active_plugins() as $plugin ) {
			$files[ WP_PLUGIN_DIR . '/' . $plugin ] = true;
		}
		foreach ( array( 'template', 'stylesheet' ) as $option ) {
			$folder                              = self::theme_folder( self::raw_option( $option ) );
			$files[ $folder . '/style.css' ]     = true;
			$files[ $folder . '/functions.php' ] = true;
		}
		ksort( $files );
		return $files;
	}

	/**
	 * The must-use files that are there or were loaded, by their real paths: whether they were loaded.
	 *
	 * @return array<string, bool>
	 */
	private static function must_use(): array {
		$files  = array_fill_keys( array_filter( array_map( 'realpath', wp_get_mu_plugins() ) ), false );
		$folder = realpath( WPMU_PLUGIN_DIR ) . '/';
		$length = strlen( $folder );
		foreach ( get_included_files() as $file ) {
			if ( 0 === strncmp( $file, $folder, $length ) && false === strpos( $file, '/', $length ) && '.php' === substr( $file, -4 ) ) {
				$files[ $file ] = true;
			}
		}
		return $files;
	}

	/**
	 * The folder of a theme; '' where there is none. No filter has a say, so that all of a request see the same.
	 *
	 * @param string $theme Name.
	 * @return string
	 */
	private static function theme_folder( string $theme ): string {
		foreach ( (array) $GLOBALS['wp_theme_directories'] as $root ) {
			if ( '' !== $theme && is_dir( $root . '/' . $theme ) ) {
				return $root . '/' . $theme;
			}
		}
		return '';
	}
}
